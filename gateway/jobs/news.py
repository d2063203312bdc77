"""How a job stands now, told to its person's tabs."""

from core.errors import HeadraceError
from core.log import get_logger
from gateway.events.bus import EventBus
from gateway.jobs.repository import JobRepository
from gateway.jobs.schemas import JobOut

log = get_logger(__name__)


class JobNews:
    """Best effort, as all events are: who missed one reads the job."""

    def __init__(self, repository: JobRepository, bus: EventBus) -> None:
        self._repository = repository
        self._bus = bus

    async def tell(self, user_id: str, job_id: str) -> None:
        """Publish `job.updated`."""
        try:
            row = await self._repository.get(user_id, job_id)
        except HeadraceError as error:
            log.warning("jobs.not_told", job_id=job_id, error=error.detail)
            return
        if row is not None:
            job = JobOut.of(row).model_dump(mode="json")
            await self._bus.publish(user_id, {"type": "job.updated", "job": job})
