"""Who enters an engine when it is full: chats before programs before jobs, and nobody is forgotten."""

import asyncio

import pytest

from core.priority import Priority
from serve.guard import Receive, Scope, Send
from serve.seated import Seated
from serve.seats import WAVE_SECONDS, Seats
from tests.gateway.client import until
from tests.serve.asgi import Answered, call

CHAT = "/v1/chat/completions"


def test_a_full_engine_lets_chats_before_programs_before_jobs() -> None:
    seats = Seats(1, 1_000)
    running = seats.take(Priority.JOB, 10, "running")
    waiting = [
        seats.take(kind, 10, name)
        for kind, name in (
            (Priority.JOB, "job"),
            (Priority.API, "api"),
            (Priority.CHAT, "first chat"),
            (Priority.CHAT, "second chat"),
        )
    ]
    assert seats.waiting() == ["first chat", "second chat", "api", "job"]
    order = []
    leaving = running
    while waiting:
        leaving.leave()
        (entered,) = [seat for seat in waiting if seat.given]
        assert seats.running == 1
        order.append(entered.reference)
        waiting.remove(entered)
        leaving = entered
    assert order == ["first chat", "second chat", "api", "job"]
    leaving.leave()
    assert (seats.running, seats.waiters) == (0, 0)


@pytest.mark.parametrize(("kind", "most"), [(Priority.CHAT, 16), (Priority.API, 16), (Priority.JOB, 12)])
def test_jobs_leave_places_for_chats(kind: Priority, most: int) -> None:
    seats = Seats(16, 1_000_000)
    taken = [seats.take(kind, 1, str(number)) for number in range(20)]
    assert sum(seat.given for seat in taken) == most
    chats = [seats.take(Priority.CHAT, 1, f"chat {number}") for number in range(16 - most)]
    assert all(seat.given for seat in chats)


def test_jobs_leave_as_many_places_as_chats_took_at_once_a_moment_ago() -> None:
    now = [100.0]
    seats = Seats(16, 1_000_000, clock=lambda: now[0])
    wave = [seats.take(Priority.CHAT, 1, f"chat {number}") for number in range(9)]
    jobs = [seats.take(Priority.JOB, 1, str(number)) for number in range(20)]

    def running() -> int:
        return sum(job.given for job in jobs)

    assert running() == 3, "a quarter stays free beside the chats that are there"
    for chat in wave:
        chat.leave()
    assert running() == 7, "nine are left for the next wave"
    wave = [seats.take(Priority.CHAT, 1, f"chat {number}") for number in range(9)]
    assert all(chat.given for chat in wave)
    for chat in wave:
        chat.leave()
    now[0] += 2 * WAVE_SECONDS
    # Whoever comes or goes next finds out that there was no wave for long.
    jobs.append(seats.take(Priority.JOB, 1, "one more"))
    assert running() == 12


@pytest.mark.parametrize("most", [1, 2, 16])
def test_no_wave_of_chats_keeps_all_places_from_jobs(most: int) -> None:
    seats = Seats(most, 1_000_000)
    for chat in [seats.take(Priority.CHAT, 1, f"chat {number}") for number in range(40)]:
        chat.leave()
    jobs = [seats.take(Priority.JOB, 1, str(number)) for number in range(3)]
    assert [job.given for job in jobs] == [True, False, False]


@pytest.mark.parametrize("kind", list(Priority))
def test_a_single_place_is_for_everybody(kind: Priority) -> None:
    assert Seats(1, 100).take(kind, 1, "one").given


def test_tokens_are_a_bound_for_jobs_and_programs_but_not_for_chats() -> None:
    seats = Seats(16, 1_000)
    first = seats.take(Priority.JOB, 700, "first")
    second = seats.take(Priority.JOB, 300, "second")
    assert first.given and not second.given
    # A program may have what jobs leave free, but none overtakes one that waits before it.
    program = seats.take(Priority.API, 150, "program")
    assert program.given
    chat = seats.take(Priority.CHAT, 5_000, "chat")
    assert chat.given
    first.leave()
    assert not second.given, "the chat holds more than all there is"
    chat.leave()
    assert second.given


def test_what_is_larger_than_all_there_is_runs_alone() -> None:
    seats = Seats(4, 1_000)
    small = seats.take(Priority.API, 10, "small")
    giant = seats.take(Priority.API, 50_000, "giant")
    assert not giant.given
    small.leave()
    assert giant.given
    assert not seats.take(Priority.API, 1, "next").given


def test_who_leaves_the_queue_is_not_let_in_and_holds_nobody_up() -> None:
    seats = Seats(1, 100)
    running = seats.take(Priority.CHAT, 1, "running")
    left = seats.take(Priority.CHAT, 1, "left")
    next_one = seats.take(Priority.CHAT, 1, "next")
    left.leave()
    left.leave()
    assert seats.waiting() == ["next"]
    assert seats.waiters == 1
    running.leave()
    running.leave()
    assert next_one.given and not left.given
    assert seats.running == 1


class Engine:
    """Answers with what it was sent, when it is told to."""

    def __init__(self) -> None:
        self.entered: list[str] = []
        self.go = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = dict(scope["headers"]).get(b"x-request-id", b"").decode()
        self.entered.append(name)
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


def asking(
    app: Seated, name: str, priority: str, leave: asyncio.Event | None = None, path: str = CHAT
) -> "asyncio.Task[Answered]":
    headers = {"x-headrace-priority": priority, "x-headrace-tokens": "5", "x-request-id": name}
    return asyncio.create_task(call(app, "POST", path, name.encode(), headers=headers, leave=leave))


async def test_a_request_that_waited_reaches_the_engine_whole() -> None:
    engine, seats = Engine(), Seats(1, 100)
    app = Seated(engine, seats)
    first = asking(app, "the first request", "api")
    await until(lambda: engine.entered == ["the first request"])
    job = asking(app, "a job", "job")
    chat = asking(app, "a chat", "chat")
    await until(lambda: seats.waiting() == ["a chat", "a job"])
    engine.go.set()
    answers = await asyncio.gather(first, job, chat)
    assert [answer.body for answer in answers] == [b"the first request", b"a job", b"a chat"]
    assert engine.entered == ["the first request", "a chat", "a job"]
    assert (seats.running, seats.waiters) == (0, 0)


async def test_a_caller_who_leaves_the_queue_never_reaches_the_engine() -> None:
    engine, seats, leave = Engine(), Seats(1, 100), asyncio.Event()
    app = Seated(engine, seats)
    first = asking(app, "first", "chat")
    impatient = asking(app, "impatient", "chat", leave)
    await until(lambda: seats.waiting() == ["impatient"])
    leave.set()
    assert (await impatient).status == 0
    assert seats.waiters == 0
    engine.go.set()
    await first
    assert engine.entered == ["first"]


async def test_a_request_that_is_cancelled_gives_its_place_back() -> None:
    engine, seats = Engine(), Seats(1, 100)
    app = Seated(engine, seats)
    first = asking(app, "first", "chat")
    await until(lambda: seats.running == 1)
    second = asking(app, "second", "chat")
    await until(lambda: seats.waiters == 1)
    second.cancel()
    await asyncio.wait([second])
    assert seats.waiters == 0
    first.cancel()
    await asyncio.wait([first])
    assert seats.running == 0


async def test_what_makes_no_answer_needs_no_place() -> None:
    engine, seats = Engine(), Seats(1, 100)
    app = Seated(engine, seats)
    first = asking(app, "first", "chat")
    counting = asking(app, "counting", "api", path="/tokenize")
    await until(lambda: engine.entered == ["first", "counting"])
    engine.go.set()
    await asyncio.gather(first, counting)
