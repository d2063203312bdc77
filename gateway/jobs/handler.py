"""What every kind of job implements."""

from typing import Protocol

from gateway.jobs.tables import JobRow


class Handler(Protocol):
    """Does jobs of one kind. Called again for a job it has done, it changes nothing."""

    async def run(self, job: JobRow) -> None:
        """Do it and end it, in one transaction. An error means: later again."""
        ...

    async def give_up(self, job: JobRow, reason: str) -> None:
        """It failed too often: end it as failed, and leave people with something sensible."""
        ...
