"""Revisions, names and promotions as operators see them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from core.errors import Invalid
from gateway.figures.tables import Figures
from gateway.promotions.plan import Plan
from gateway.promotions.tables import PromotionRow
from gateway.routing.queues import ReplicaQueue
from gateway.routing.tables import NameRow, RevisionRow, ShadowRow
from models.spec import ModelSpec, Name, first_complaint

ModelName = Annotated[str, StringConstraints(max_length=63)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewRevision(_In):
    """A specification as in a model's file."""

    spec: dict[str, Any]

    def checked(self) -> ModelSpec:
        """Raises core.errors.Invalid, which names the field."""
        try:
            return ModelSpec.model_validate(self.spec)
        except ValidationError as error:
            field, message = first_complaint(error)
            raise Invalid(f"{field}: {message}.", fields=[(f"spec.{field}", message)]) from error


class Retirement(_In):
    """`force`: also where nobody would answer for the name then."""

    force: bool = False


class Split(_In):
    """The weight of each revision; those that are not named get no traffic."""

    weights: Annotated[dict[Name, Annotated[int, Field(ge=0, le=100)]], Field(min_length=1, max_length=50)]


class ShadowIn(_In):
    """Which revision gets a copy of how many requests in a hundred; null: none.

    `keep_texts`: the last question and both answers are kept for a week, and operators can read them.
    """

    revision: Name | None
    percent: Annotated[int, Field(ge=1, le=100)] = 10
    keep_texts: bool = False

    def row(self) -> ShadowRow | None:
        """As it is stored."""
        if self.revision is None:
            return None
        return ShadowRow(self.revision, self.percent, self.keep_texts)


class ShadowOut(BaseModel):
    revision: str
    percent: int
    keep_texts: bool

    @classmethod
    def of(cls, row: ShadowRow) -> "ShadowOut":
        return cls(revision=row.revision, percent=row.percent, keep_texts=row.keep_texts)


class Fallback(_In):
    """null: nobody answers in its place."""

    fallback: Name | None


class NewPromotion(_In):
    revision: Name
    plan: Plan = Plan()


class FiguresOut(BaseModel):
    """What a revision did in the last `seconds`. Waits are for the first token, in seconds."""

    seconds: int
    requests: int
    errors: int
    tokens_per_second: float
    wait_p50: float | None
    wait_p95: float | None
    up: int
    down: int

    @classmethod
    def of(cls, figures: Figures, seconds: int) -> "FiguresOut":
        return cls(
            seconds=seconds,
            requests=figures.requests,
            errors=figures.errors,
            tokens_per_second=round(figures.completion_tokens / seconds, 2),
            wait_p50=figures.wait_quantile(0.5),
            wait_p95=figures.wait_quantile(0.95),
            up=figures.up,
            down=figures.down,
        )


class QueueOut(BaseModel):
    """Of all its replicas: requests in the engine, and those that wait for a place in it."""

    running: int
    waiting: int


class RevisionOut(BaseModel):
    """`weight`: its share of the traffic of its name, relative to the others. `weights_sha256`: of what its
    engine has loaded. `queue` is null where no replica of it says how it goes."""

    name: str
    revision: str
    desired: str
    state: str
    detail: str | None
    weight: int
    replicas: int
    digest: str
    weights_sha256: str | None
    spec: dict[str, Any]
    figures: FiguresOut | None = None
    queue: QueueOut | None = None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(
        cls, row: RevisionRow, figures: FiguresOut | None = None, queue: QueueOut | None = None
    ) -> "RevisionOut":
        return cls(
            name=row.spec.name,
            revision=row.spec.revision,
            desired=row.desired.value,
            state=row.state.value,
            detail=row.detail,
            weight=row.weight,
            replicas=row.replicas,
            digest=row.spec.digest,
            weights_sha256=row.weights,
            spec=row.spec.model_dump(mode="json"),
            figures=figures,
            queue=queue,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


class RevisionList(BaseModel):
    """Every revision there ever was, by name, newest first.

    `fallbacks`: who answers in whose place. `shadows`: who gets copies of what a name is asked.
    """

    items: list[RevisionOut]
    fallbacks: dict[str, str]
    shadows: dict[str, ShadowOut]

    @classmethod
    def of(
        cls,
        rows: Sequence[RevisionRow],
        names: Mapping[str, NameRow],
        figures: Mapping[tuple[str, str], Figures],
        seconds: int,
        queues: Sequence[ReplicaQueue],
    ) -> "RevisionList":
        known: dict[tuple[str, str], QueueOut] = {}
        for queue in queues:
            total = known.setdefault((queue.model, queue.revision), QueueOut(running=0, waiting=0))
            total.running += queue.running
            total.waiting += queue.waiters
        return cls(
            items=[
                RevisionOut.of(
                    row, FiguresOut.of(figures.get(row.key, Figures()), seconds), known.get(row.key)
                )
                for row in rows
            ],
            fallbacks={name: row.fallback for name, row in names.items() if row.fallback is not None},
            shadows={name: ShadowOut.of(row.shadow) for name, row in names.items() if row.shadow is not None},
        )


class PromotionOut(BaseModel):
    """`step` counts from 0; -1 before traffic moves. `receipt` is there when it has ended."""

    id: str
    name: str
    revision: str
    before: dict[str, int]
    plan: Plan
    state: str
    step: int
    steps: list[dict[str, Any]]
    detail: str | None
    started_by: str
    receipt: dict[str, Any] | None
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, row: PromotionRow) -> "PromotionOut":
        return cls(
            id=row.id,
            name=row.name,
            revision=row.revision,
            before=dict(row.before),
            plan=row.plan,
            state=row.state.value,
            step=row.step,
            steps=[dict(step) for step in row.steps],
            detail=row.detail,
            started_by=row.started_by,
            receipt=None if row.receipt is None else dict(row.receipt),
            created_at=row.created_at,
            ended_at=row.ended_at,
        )


class PromotionList(BaseModel):
    """Newest first."""

    items: list[PromotionOut]


class LogOut(BaseModel):
    """The last of what the replicas wrote."""

    text: str
