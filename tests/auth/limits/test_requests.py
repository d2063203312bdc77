import asyncio
import re

import pytest
from limits import RateLimitItemPerSecond

from auth.limits.requests import PARTS, Allowance, RequestLimits
from auth.limits.store import LimitStore, _window
from cluster.local.infrastructure import EmbeddedInfrastructure
from core.clock import SystemClock
from core.errors import RateLimited, Unavailable
from core.ids import new_id
from core.keyvalue import KeyValue
from tests.auth.process import MakePerson, MovableClock, Process, Start


class CountingStore(LimitStore):
    """The real store, which counts how often it is asked."""

    asked = 0

    async def hit(self, *args: object, **options: object) -> bool:
        self.asked += 1
        return await super().hit(*args, **options)  # type: ignore[arg-type]


PROBE = RateLimitItemPerSecond(1_000, 60, namespace="probe")


@pytest.fixture
async def store(keyvalue: KeyValue) -> CountingStore:
    made = CountingStore(keyvalue)
    await made.start()
    return made


async def taken(limits: RequestLimits, user: str, tries: int, surface: str = "v1") -> int:
    """How many of so many requests pass."""
    passed = 0
    for _ in range(tries):
        try:
            await limits.take(user, surface)
        except RateLimited as refused:
            assert refused.retry_after is not None
            assert 1 <= refused.retry_after <= 130
            continue
        passed += 1
    return passed


async def test_exactly_the_limit_passes_and_valkey_is_asked_once_a_block(
    store: CountingStore, clock: MovableClock
) -> None:
    limits = RequestLimits(store, clock, per_minute=600)
    assert await taken(limits, new_id("usr"), 600) == 600
    assert store.asked == PARTS


async def test_beyond_the_limit_requests_are_refused_without_asking_again(
    store: CountingStore, clock: MovableClock
) -> None:
    limits, user = RequestLimits(store, clock, per_minute=60), new_id("usr")
    assert await taken(limits, user, 500) == 60
    assert store.asked <= PARTS + 4


@pytest.mark.parametrize("limit", [1, 7, 19, 21, 100])
async def test_limits_that_blocks_do_not_divide_are_given_out_whole(
    store: CountingStore, clock: MovableClock, limit: int
) -> None:
    limits = RequestLimits(store, clock, per_minute=limit)
    assert await taken(limits, new_id("usr"), limit + 30) == limit


async def test_the_limit_is_shared_by_all_processes(store: CountingStore, clock: MovableClock) -> None:
    processes = [RequestLimits(store, clock, per_minute=100) for _ in range(4)]
    user = new_id("usr")
    passed = await asyncio.gather(*(taken(limits, user, 100) for limits in processes))
    assert sum(passed) == 100


async def test_people_and_surfaces_have_limits_of_their_own(
    store: CountingStore, clock: MovableClock
) -> None:
    limits = RequestLimits(store, clock, per_minute=20)
    first, second = new_id("usr"), new_id("usr")
    assert await taken(limits, first, 30) == 20
    assert await taken(limits, second, 30) == 20
    assert await taken(limits, first, 30, "api") == 20


async def test_what_is_left_is_told_and_counts_down(store: CountingStore, clock: MovableClock) -> None:
    limits, user = RequestLimits(store, clock, per_minute=40), new_id("usr")
    said = [await limits.take(user, "v1") for _ in range(40)]
    assert [allowance.remaining for allowance in said] == list(range(39, -1, -1))
    assert {allowance.limit for allowance in said} == {40}
    assert all(0 < allowance.reset <= 120 for allowance in said)
    with pytest.raises(RateLimited) as refused:
        await limits.take(user, "v1")
    assert refused.value.headers["x-ratelimit-remaining-requests"] == "0"


async def test_many_at_once_share_one_refill(store: CountingStore, clock: MovableClock) -> None:
    limits, user = RequestLimits(store, clock, per_minute=2000), new_id("usr")
    await asyncio.gather(*(limits.take(user, "v1") for _ in range(100)))
    assert store.asked == 1


async def test_without_valkey_requests_pass_up_to_the_limit_and_nobody_waits_for_it(
    store: CountingStore, clock: MovableClock, infrastructure: EmbeddedInfrastructure
) -> None:
    limits, user = RequestLimits(store, clock, per_minute=100), new_id("usr")
    await asyncio.to_thread(infrastructure.hold, "valkey")
    try:
        assert await taken(limits, user, 150) == 100
        assert store.asked <= 2
        clock.move(seconds=61)
        assert await taken(limits, user, 10) == 10
    finally:
        await asyncio.to_thread(infrastructure.resume, "valkey")
    clock.move(seconds=61)
    async with asyncio.timeout(10):
        while True:
            try:
                assert await store.hit(PROBE, "probe")
                break
            except Unavailable:
                await asyncio.sleep(0.1)
    before = store.asked
    assert await taken(limits, user, 10) == 10
    assert store.asked > before


async def test_the_number_of_people_remembered_is_bounded(
    store: CountingStore, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auth.limits.requests.MOST_SUBJECTS", 3)
    limits = RequestLimits(store, clock, per_minute=20)
    for _ in range(8):
        await limits.take(new_id("usr"), "v1")
    assert len(limits._leases) == 3


async def test_endpoints_answer_429_with_the_seconds_to_wait(start: Start, person: MakePerson) -> None:
    process = await start(requests_per_minute=20)
    kim = await person(process)
    async with process.client() as http:
        answers = [await http.get("/api/auth/me", headers=kim.bearer) for _ in range(25)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429] * 5
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert answers[-1].headers["ratelimit-policy"] == '"requests";q=20;w=60'
    assert answers[-1].headers["ratelimit"].startswith('"requests";r=0;t=')


async def test_a_keys_own_limit_binds_it_and_costs_its_person_nothing(
    start: Start, person: MakePerson
) -> None:
    process = await start(requests_per_minute=30)
    kim = await person(process)
    async with process.client() as http:
        body = {"name": "slow", "scopes": ["usage"], "requests_per_minute": 5}
        slow = (await http.post("/api/keys", json=body, headers=kim.bearer)).json()
        assert slow["requests_per_minute"] == 5
    principal = await process.auth.authenticate(slow["key"])
    said = [await process.auth.request_limits.take_for(principal, "v1") for _ in range(5)]
    assert [(allowance.limit, allowance.remaining) for allowance in said] == [(5, n) for n in (4, 3, 2, 1, 0)]
    for _ in range(40):
        with pytest.raises(RateLimited) as refused:
            await process.auth.request_limits.take_for(principal, "v1")
        assert refused.value.headers["x-ratelimit-limit-requests"] == "5"
    # What was refused to the key was not counted for its person.
    assert await taken(process.auth.request_limits, kim.user_id, 60) == 25
    with pytest.raises(RateLimited) as refused:
        await process.auth.request_limits.take(kim.user_id, "v1")
    assert refused.value.headers["x-ratelimit-limit-requests"] == "30"


async def test_another_limit_of_a_key_is_in_force_at_its_next_request(
    process: Process, person: MakePerson
) -> None:
    kim = await person(process)
    async with process.client() as http:
        body = {"name": "k", "requests_per_minute": 2, "budget": {"day": 7}}
        key = (await http.post("/api/keys", json=body, headers=kim.bearer)).json()
        path = f"/api/keys/{key['id']}"

        async def passes() -> int:
            passed = 0
            for _ in range(12):
                try:
                    principal = await process.auth.authenticate(key["key"])
                    await process.auth.request_limits.take_for(principal, "v1")
                except RateLimited:
                    continue
                passed += 1
            return passed

        assert await passes() == 2
        changed = await http.patch(path, json={"requests_per_minute": 9}, headers=kim.bearer)
        assert (changed.json()["requests_per_minute"], changed.json()["budget"]["day"]) == (9, 7)
        # Another limit is counted anew.
        assert await passes() == 9
        freed = await http.patch(path, json={"requests_per_minute": None}, headers=kim.bearer)
        assert freed.json()["requests_per_minute"] is None
        assert await passes() == 12
        kept = await http.patch(path, json={"budget": {}}, headers=kim.bearer)
        assert kept.json()["requests_per_minute"] is None
        for wrong in (0, -1, 1.5, "many", 10_000_000):
            refused = await http.patch(path, json={"requests_per_minute": wrong}, headers=kim.bearer)
            assert refused.status_code == 422


@pytest.mark.parametrize("limit", [3, 20, 100])
async def test_a_client_that_obeys_the_headers_is_never_refused(store: CountingStore, limit: int) -> None:
    """It comes over one connection, thus to one process, and waits as it is told when nothing is left."""
    limits, user = RequestLimits(store, SystemClock(), per_minute=limit, window=1), new_id("usr")
    waits = 0
    for _ in range(3 * limit):
        allowance = await limits.take(user, "api")
        if allowance.remaining == 0:
            waits += 1
            await asyncio.sleep(seconds_of(allowance))
    assert waits >= 2


async def test_a_client_of_several_processes_that_obeys_is_not_refused_twice_in_a_row(
    store: CountingStore,
) -> None:
    processes = [RequestLimits(store, SystemClock(), per_minute=20, window=1) for _ in range(3)]
    user, refused = new_id("usr"), 0
    for passed in range(60):
        limits = processes[passed % 3]
        try:
            allowance = await limits.take(user, "api")
        except RateLimited as refusal:
            assert refusal.retry_after is not None
            refused += 1
            await asyncio.sleep(refusal.retry_after)
            allowance = await limits.take(user, "api")
        if allowance.remaining == 0:
            await asyncio.sleep(seconds_of(allowance))
    assert refused < 20


def seconds_of(allowance: Allowance) -> int:
    """How long its header says to wait."""
    found = re.fullmatch(rb'"requests";r=0;t=(\d+)', dict(allowance.fields())[b"ratelimit"])
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize(
    ("counts", "remaining", "next_in"),
    [
        # earlier, its life, current, its life (a window longer than its own length)
        ((0, 0, 0, 0), 60, 0),
        ((0, 0, 10, 100), 50, 0),
        ((60, 30, 10, 90), 20, 0),
        ((60, 60, 0, 0), 0, 1),
        ((0, 0, 60, 90), 0, 31),
        ((60, 30, 30, 90), 0, 1),
    ],
)
def test_the_time_until_one_more_fits_follows_from_the_counts(
    counts: tuple[int, float, int, float], remaining: int, next_in: float
) -> None:
    window = _window(60, 60, *counts)
    assert window.remaining == remaining
    assert window.next_in == pytest.approx(next_in)
