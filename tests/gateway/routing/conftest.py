"""Revisions in tables of their own, so that the running gateway does not reconcile them."""

import secrets
from collections.abc import AsyncIterator

import pytest

from core.postgres import Postgres
from gateway.routing.fake import FakeControl
from gateway.routing.reconciler import Reconciler
from gateway.routing.repository import RevisionRepository
from models.spec import ModelSpec

TABLES = (
    "model_revisions",
    "model_names",
    "promotions",
    "revision_minutes",
    "revision_waits",
    "eval_sets",
    "eval_runs",
    "jobs",
    "outbox",
)


@pytest.fixture
async def postgres(postgres_url: str) -> AsyncIterator[Postgres]:
    schema = f"routing_{secrets.token_hex(4)}"
    database = Postgres(f"{postgres_url}?search_path={schema},public", size=6)
    await database.start()
    await database.execute(f"CREATE SCHEMA {schema}")
    for table in TABLES:
        await database.execute(f"CREATE TABLE {schema}.{table} (LIKE public.{table} INCLUDING ALL)")
    yield database
    await database.execute(f"DROP SCHEMA {schema} CASCADE")
    await database.stop()


@pytest.fixture
def revisions(postgres: Postgres) -> RevisionRepository:
    # Nobody has to learn of it first.
    return RevisionRepository(postgres, retire_after=0)


@pytest.fixture
def control() -> FakeControl:
    return FakeControl()


@pytest.fixture
def reconciler(postgres: Postgres, revisions: RevisionRepository, control: FakeControl) -> Reconciler:
    return Reconciler(postgres, revisions, control)


def spec(name: str = "m", revision: str = "r1", **changes: object) -> ModelSpec:
    return ModelSpec.model_validate(
        {
            "name": name,
            "revision": revision,
            "title": "Model",
            "engine": "simulated",
            "context_window": 1024,
            "max_output_tokens": 256,
            **changes,
        }
    )
