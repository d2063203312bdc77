"""Of many gateways one reconciles; when it goes, another does."""

import pytest

from core.postgres import Postgres
from gateway.routing import reconciler as module
from gateway.routing.fake import FakeControl
from gateway.routing.reconciler import Reconciler
from gateway.routing.repository import RevisionRepository
from tests.gateway.client import until
from tests.gateway.routing.conftest import spec

# Not the lock of the gateways of this test run.
LOCK = 0x4EAD_7777


class Counting(Reconciler):
    """Counts its steps."""

    def __init__(self, postgres: Postgres, revisions: RevisionRepository, control: FakeControl) -> None:
        super().__init__(postgres, revisions, control, lock=LOCK)
        self.steps = 0

    async def step(self) -> None:
        await super().step()
        self.steps += 1


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INTERVAL_SECONDS", 0.02)


async def test_one_leads_and_another_takes_over(
    postgres: Postgres, revisions: RevisionRepository, control: FakeControl
) -> None:
    await revisions.want_configured([spec("a")])
    first, second = (Counting(postgres, revisions, control) for _ in range(2))
    await first.start()
    await until(lambda: first.steps > 3)
    await second.start()
    begun = first.steps
    await until(lambda: first.steps > begun + 10)
    assert second.steps == 0
    await first.stop()
    await until(lambda: second.steps > 3)
    await second.stop()


async def test_a_leader_whose_connection_is_cut_is_followed_by_one_leader(
    postgres: Postgres, revisions: RevisionRepository, control: FakeControl
) -> None:
    both = [Counting(postgres, revisions, control) for _ in range(2)]
    for one in both:
        await one.start()
    await until(lambda: sum(one.steps for one in both) > 3)
    cut = await postgres.fetchval(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1",
        LOCK,
    )
    assert cut is True
    begun = [one.steps for one in both]
    await until(lambda: any(one.steps > before + 5 for one, before in zip(both, begun, strict=True)))
    holders = await postgres.fetchval(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND granted",
        LOCK,
    )
    assert holders == 1
    for one in both:
        await one.stop()


async def test_a_leader_that_stops_gives_its_lock_back(
    postgres: Postgres, revisions: RevisionRepository, control: FakeControl
) -> None:
    leader = Counting(postgres, revisions, control)
    await leader.start()
    await until(lambda: leader.steps > 0)
    await leader.stop()
    held = await postgres.fetchval(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1", LOCK
    )
    assert held == 0
