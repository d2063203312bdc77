"""`/api/admin/evaluations`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, status
from starlette.requests import HTTPConnection

from auth.dependencies import Operator
from core.errors import NotFound
from gateway.evaluations.repository import EvaluationRepository
from gateway.evaluations.schemas import Again, NewRun, RunList, RunOut, SetIn, SetList, SetOut
from gateway.evaluations.service import Evaluations

router = APIRouter(prefix="/admin/evaluations", tags=["admin"])

_ID = r"^[a-z0-9][a-z0-9._-]{0,62}$"
SetName = Annotated[str, Path(pattern=_ID)]
RunId = Annotated[str, Path(max_length=64)]


async def _evaluations(connection: HTTPConnection) -> Evaluations:
    found: Evaluations = connection.app.state.house.evaluations
    return found


async def _repository(connection: HTTPConnection) -> EvaluationRepository:
    found: EvaluationRepository = connection.app.state.house.evaluation_rows
    return found


CurrentEvaluations = Annotated[Evaluations, Depends(_evaluations)]
Rows = Annotated[EvaluationRepository, Depends(_repository)]


@router.get("/sets")
async def list_sets(_: Operator, rows: Rows) -> SetList:
    """Every evaluation set."""
    return SetList(items=await rows.sets())


@router.put("/sets/{name}")
async def keep_set(body: SetIn, principal: Operator, rows: Rows, name: SetName) -> SetOut:
    """Make a set, or change it. Its runs, also those of promotions, are charged to whoever did so last."""
    return await rows.keep_set(principal.user_id, name, body)


@router.delete("/sets/{name}", status_code=status.HTTP_204_NO_CONTENT)
async def drop_set(_: Operator, rows: Rows, name: SetName) -> None:
    """Delete a set. Its runs stay, and can be repeated."""
    if not await rows.drop_set(name):
        raise NotFound(f"There is no evaluation set {name!r}.")


@router.post("", status_code=status.HTTP_202_ACCEPTED)
async def begin_run(body: NewRun, principal: Operator, evaluations: CurrentEvaluations) -> RunOut:
    """Ask a revision that runs, with traffic or without, every prompt of a set."""
    return await evaluations.begin(principal.user_id, body)


@router.get("")
async def list_runs(
    _: Operator, rows: Rows, name: Annotated[str | None, Query(pattern=_ID)] = None
) -> RunList:
    """Runs, newest first."""
    return RunList(items=await rows.listed(name))


@router.get("/{run_id}")
async def show_run(_: Operator, rows: Rows, run_id: RunId) -> RunOut:
    """One run, with its cases and what became of them."""
    run = await rows.get(run_id)
    if run is None:
        raise NotFound("There is no such run.")
    return run


@router.post("/{run_id}/again", status_code=status.HTTP_202_ACCEPTED)
async def repeat_run(
    principal: Operator, evaluations: CurrentEvaluations, run_id: RunId, body: Again | None = None
) -> RunOut:
    """The same cases again, as a receipt names them, whatever became of the set."""
    return await evaluations.again(principal.user_id, run_id, body.revision if body else None)
