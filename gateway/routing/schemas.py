"""Models as the page sees them."""

from pydantic import BaseModel

from gateway.routing.table import Route


class ModelOut(BaseModel):
    name: str
    title: str
    description: str
    engine: str
    state: str
    detail: str | None
    revision: str
    context_window: int
    max_output_tokens: int

    @classmethod
    def of(cls, route: Route) -> "ModelOut":
        spec = route.row.spec
        return cls(
            name=spec.name,
            title=spec.title,
            description=spec.description,
            engine=str(spec.engine),
            state=route.row.state,
            detail=route.row.detail,
            revision=spec.revision,
            context_window=spec.context_window,
            max_output_tokens=spec.max_output_tokens,
        )


class ModelList(BaseModel):
    items: list[ModelOut]
