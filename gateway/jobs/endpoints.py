"""`/api/jobs`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from starlette.requests import HTTPConnection

from auth.dependencies import MayChat, SignedIn
from gateway.idempotency.header import REPLAYED, IdempotencyKey
from gateway.jobs.schemas import JobIn, JobOut, JobPage
from gateway.jobs.service import JobService

router = APIRouter(prefix="/jobs", tags=["jobs"])


async def _jobs(connection: HTTPConnection) -> JobService:
    found: JobService = connection.app.state.house.jobs
    return found


# Not one of gateway.dependencies: chat stands on those, and does not know jobs.
Jobs = Annotated[JobService, Depends(_jobs)]


@router.post("", status_code=202)
async def begin_job(
    principal: MayChat,
    jobs: Jobs,
    response: Response,
    wanted: JobIn,
    traceparent: Annotated[str | None, Header()] = None,
    idempotency_key: IdempotencyKey = None,
) -> JobOut:
    """Work that is done later; its progress is pushed as `job.updated`."""
    once = await jobs.begin(principal, wanted, traceparent, idempotency_key)
    if once.made is None:
        response.headers[REPLAYED] = "true"
    row = once.made or once.found
    assert row is not None  # noqa: S101 - it is one of the two
    return JobOut.of(row)


@router.get("")
async def list_jobs(
    principal: SignedIn,
    jobs: Jobs,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> JobPage:
    """The person's jobs, newest first."""
    return await jobs.page(principal.user_id, limit, cursor)


@router.get("/{job_id}")
async def get_job(principal: SignedIn, jobs: Jobs, job_id: Annotated[str, Path(max_length=64)]) -> JobOut:
    """How one job stands."""
    return await jobs.get(principal.user_id, job_id)
