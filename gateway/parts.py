"""What gateway and worker processes are both made of."""

from typing import Protocol

from auth.budget import Budget
from core.postgres import Postgres
from core.settings import Settings
from gateway.inference.http import HttpInference
from gateway.jobs.messages import topic
from gateway.jobs.repository import JobRepository


class Part(Protocol):
    """Something with a beginning and an end."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


def make_inference(settings: Settings) -> HttpInference:
    """The way to the engines that these settings name."""
    return HttpInference(
        settings.serve_url,
        settings.internal_token.get_secret_value(),
        connect_timeout=settings.engine_connect_timeout,
        first_byte_timeout=settings.engine_first_byte_timeout,
        idle_timeout=settings.engine_idle_timeout,
    )


def make_jobs(settings: Settings, postgres: Postgres) -> JobRepository:
    """The job rows of these settings' topic."""
    return JobRepository(
        postgres,
        topic=topic(settings.kafka_topic_prefix),
        lease_seconds=settings.job_lease_seconds,
    )


def default_budget(settings: Settings) -> Budget:
    """What a person may use who was given no budget."""
    return Budget(settings.budget_tokens_per_day, settings.budget_tokens_per_month)
