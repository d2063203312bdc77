"""Models as the page sees them."""

from datetime import datetime

from pydantic import BaseModel

from gateway.routing.table import Route


class ModelOut(BaseModel):
    """`waking_since` is when it set out to become ready; null when it is, or will not be."""

    name: str
    title: str
    description: str
    engine: str
    state: str
    detail: str | None
    waking_since: datetime | None
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
            waking_since=route.row.waking_since,
            revision=spec.revision,
            context_window=spec.context_window,
            max_output_tokens=spec.max_output_tokens,
        )


class ModelList(BaseModel):
    items: list[ModelOut]
