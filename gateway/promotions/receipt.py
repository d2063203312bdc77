"""The receipt of a promotion: what was asked for, what was seen, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from gateway.evaluations.schemas import RunOut
from gateway.figures.tables import Figures
from gateway.promotions.tables import PromotionRow, PromotionState
from gateway.routing.tables import RevisionRow


def as_json(figures: Figures) -> dict[str, Any]:
    """All of the figures, for `from_json`."""
    return {**asdict(figures), "waits": {str(bucket): count for bucket, count in figures.waits.items()}}


def from_json(stored: Mapping[str, Any]) -> Figures:
    """What `as_json` made."""
    waits = {int(bucket): count for bucket, count in stored.get("waits", {}).items()}
    return Figures(**{**stored, "waits": waits})


def numbers(figures: Figures) -> dict[str, Any]:
    """The figures in short, for a person."""
    return {
        "requests": figures.requests,
        "errors": figures.errors,
        "prompt_tokens": figures.prompt_tokens,
        "completion_tokens": figures.completion_tokens,
        "wait_p50": _rounded(figures.wait_quantile(0.5)),
        "wait_p95": _rounded(figures.wait_quantile(0.95)),
        "up": figures.up,
        "down": figures.down,
    }


def receipt_of(
    row: PromotionRow,
    rows: Mapping[str, RevisionRow],
    *,
    state: PromotionState,
    detail: str | None,
    steps: Sequence[Mapping[str, Any]],
    ended_at: datetime,
    finished_on_old: int,
    lost_on_old: int,
    evaluation: RunOut | None = None,
) -> dict[str, Any]:
    """Everything that somebody needs who asks later what happened, and who wants to do it again."""
    return {
        "promotion": row.id,
        "model": row.name,
        "revision": row.revision,
        "outcome": state.value,
        "reason": detail,
        "started_by": row.started_by,
        "started_at": row.created_at.isoformat(),
        "ended_at": ended_at.isoformat(),
        "before": dict(row.before),
        "plan": row.plan.model_dump(mode="json"),
        "revisions": {
            revision: _described(rows[revision])
            for revision in sorted({*row.before, row.revision})
            if revision in rows
        },
        "evaluation": None if evaluation is None else _evaluated(evaluation),
        "steps": list(steps),
        "streams_finished_on_old": finished_on_old,
        "drops": lost_on_old,
    }


def _evaluated(run: RunOut) -> dict[str, Any]:
    """By its id the run can be looked at, and repeated."""
    return {
        "run": run.id,
        "set": run.set,
        "digest": run.digest,
        "outcome": run.state.value,
        "detail": run.detail,
        "failed": [
            {"case": number, "prompt": run.cases[number].prompt[:200], "reason": result.reason}
            for number, result in enumerate(run.results)
            if not result.passed
        ],
    }


def _described(row: RevisionRow) -> dict[str, Any]:
    spec = row.spec.model_dump(mode="json")
    return {
        "digest": row.spec.digest,
        "weights_sha256": row.weights,
        "engine": row.spec.engine,
        "source": spec["source"],
        "adapter": spec["adapter"],
        "engine_args": spec["engine_args"],
        "spec": spec,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 4)
