"""What a replica counts: what its engine really did, however a request ends."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import orjson
import pytest

from core.priority import Priority
from serve.guard import Application, Guard, Receive, Scope, Send
from serve.meter import MOST_RECORDS, Meter
from serve.reporter import Reporter
from serve.seats import Seats
from serve.simulated import SimulatedEngine
from serve.simulated_request import Pace
from serve.usage_board import UsageBoard
from tests.gateway.client import until
from tests.serve.asgi import TOKEN, call

HEADERS = {"authorization": f"Bearer {TOKEN}", "x-request-id": "api_1"}
CHAT = "/v1/chat/completions"


def chunk(**fields: Any) -> bytes:
    return b"data: " + orjson.dumps({"choices": [{"delta": {"content": "x"}}], **fields}) + b"\n\n"


def usage(prompt: int, completion: int) -> dict[str, Any]:
    return {"usage": {"prompt_tokens": prompt, "completion_tokens": completion}}


def answering(
    *parts: bytes, status: int = 200, kind: bytes = b"text/event-stream", stays: bool = False
) -> Application:
    """An engine that sends these and then ends, or breaks (`stays`) without an end."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
        for number, part in enumerate(parts):
            last = number == len(parts) - 1 and not stays
            await send({"type": "http.response.body", "body": part, "more_body": not last})

    return app


@pytest.fixture
def meter() -> Meter:
    return Meter("simulated--r1#abc", "simulated", "r1")


def shown(meter: Meter) -> tuple[int, int, int, list[tuple[Any, ...]]]:
    report = orjson.loads(meter.report(0))
    records = [
        (record["reference"], record["prompt_tokens"], record["completion_tokens"], record["exact"])
        for record in report["records"]
    ]
    return report["requests"], report["prompt_tokens"], report["completion_tokens"], records


async def ask(meter: Meter, app: Application, path: str = CHAT, **more: Any) -> None:
    await call(Guard(app, TOKEN, "r", meter=meter), "POST", path, headers=HEADERS, **more)


@pytest.mark.parametrize(
    "parts",
    [
        (chunk(), chunk(), chunk(choices=[], **usage(7, 2)), b"data: [DONE]\n\n"),
        (chunk(**usage(7, 1)), chunk(**usage(7, 2)), b"data: [DONE]\n\n"),
        (chunk(), chunk(**usage(7, 2)) + b"data: [DONE]\n\n"),
        (chunk(**usage(7, 2)), chunk(usage=None), b"data: [DONE]\n\n"),
        (chunk(**usage(7, 1)) + chunk(**usage(7, 2)), b"data: [DONE]\n\n"),
    ],
)
async def test_a_stream_counts_what_its_last_figures_say(meter: Meter, parts: tuple[bytes, ...]) -> None:
    await ask(meter, answering(*parts))
    assert shown(meter) == (1, 7, 2, [])


async def test_a_plain_answer_counts_its_usage_also_in_pieces(meter: Meter) -> None:
    body = orjson.dumps({"choices": [], **usage(11, 3)})
    await ask(meter, answering(body[:9], body[9:], kind=b"application/json"))
    assert shown(meter) == (1, 11, 3, [])


async def test_what_is_not_answered_by_the_model_is_not_counted(meter: Meter) -> None:
    body = orjson.dumps(usage(11, 3))
    await ask(meter, answering(body, kind=b"application/json"), path="/tokenize")
    await ask(meter, answering(body, kind=b"application/json", status=400))
    refused = Guard(answering(body), TOKEN, "r", meter=meter)
    await call(refused, "POST", CHAT, headers={"authorization": "Bearer wrong"})
    assert shown(meter) == (0, 0, 0, [])


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"usage":{"prompt_tokens":-1}}', b"\xff", b'{"usage":"many"}']
)
async def test_figures_that_cannot_be_true_are_not_believed(meter: Meter, body: bytes) -> None:
    await ask(meter, answering(body, kind=b"application/json"))
    assert shown(meter) == (1, 0, 0, [("api_1", 0, 0, False)])


async def test_a_stream_that_ends_with_an_error_is_recorded(meter: Meter) -> None:
    error = b'data: {"error": {"message": "out of memory"}}\n\n'
    done = b"data: [DONE]\n\n"
    await ask(meter, answering(chunk(**usage(7, 1)), error, done))
    await ask(meter, answering(chunk(**usage(7, 2)), error + done))
    await ask(meter, answering(chunk(**usage(7, 3))))
    assert [record[1:] for record in shown(meter)[3]] == [(7, 1, True), (7, 2, True), (7, 3, True)]


async def test_a_stream_that_was_cut_off_is_recorded_with_its_last_figures(meter: Meter) -> None:
    await ask(meter, answering(chunk(**usage(7, 1)), chunk(**usage(7, 2)), chunk(**usage(7, 3)), stays=True))
    assert shown(meter) == (1, 7, 3, [("api_1", 7, 3, True)])


async def test_a_stream_that_was_cut_off_without_figures_counts_its_frames(meter: Meter) -> None:
    await ask(meter, answering(chunk(), chunk(), chunk(), stays=True))
    assert shown(meter) == (1, 0, 2, [("api_1", 0, 2, False)])


async def test_an_engine_that_breaks_is_recorded(meter: Meter) -> None:
    async def breaks(scope: Scope, receive: Receive, send: Send) -> None:
        await answering(chunk(**usage(4, 1)), stays=True)(scope, receive, send)
        raise RuntimeError("the engine is gone")

    with pytest.raises(RuntimeError):
        await ask(meter, breaks)
    assert shown(meter) == (1, 4, 1, [("api_1", 4, 1, True)])


@pytest.mark.parametrize("stream", [True, False])
async def test_the_simulated_engine_tells_what_it_made_when_the_caller_leaves(
    meter: Meter, stream: bool
) -> None:
    engine = SimulatedEngine(model="simulated", window=4096, limit=1000, pace=Pace(0.0, 5.0))
    leave = asyncio.Event()
    asking = asyncio.create_task(
        ask(
            meter,
            engine,
            body={
                "model": "simulated",
                "stream": stream,
                "messages": [{"role": "user", "content": "[[long]] tell me"}],
            },
            leave=leave,
        )
    )
    await until(lambda: engine.stats["completion_tokens"] >= 10)
    leave.set()
    await asking
    stats = engine.stats
    assert 10 <= stats["completion_tokens"] < 400
    assert shown(meter) == (
        1,
        stats["prompt_tokens"],
        stats["completion_tokens"],
        [("api_1", stats["prompt_tokens"], stats["completion_tokens"], True)],
    )


async def test_records_have_a_bound_and_the_newest_stay(meter: Meter) -> None:
    for _ in range(MOST_RECORDS + 5):
        await ask(meter, answering(chunk(), stays=True))
    records = orjson.loads(meter.report(0))["records"]
    assert len(records) == MOST_RECORDS
    assert records[-1]["number"] == meter.last_number == MOST_RECORDS + 5


def telling(board: UsageBoard) -> Callable[[bytes], Awaitable[str]]:
    async def tell(raw: bytes) -> str:
        return board.take(raw)

    return tell


async def test_a_record_reaches_the_board_once_and_a_new_board_gets_all(meter: Meter) -> None:
    boards = [UsageBoard()]

    async def tell(raw: bytes) -> str:
        return boards[-1].take(raw)

    reporter = Reporter(meter, tell)
    for number in range(3):
        await ask(meter, answering(chunk(**usage(1, number)), stays=True))
        await reporter.step()
        await reporter.step()
    first = boards[0].show("", 0)
    assert [record["number"] for record in first["records"] if record["number"] > 1] == [2, 3]
    assert {record["number"] for record in first["records"]} == {1, 2, 3}
    boards.append(UsageBoard())
    await reporter.step()
    assert {record["number"] for record in boards[1].show("", 0)["records"]} == {1, 2, 3}
    assert boards[1].show("", 0)["replicas"][0]["requests"] == 3


async def test_the_board_leaves_out_what_was_read_but_not_for_who_read_another_board(meter: Meter) -> None:
    board = UsageBoard()
    reporter = Reporter(meter, telling(board))
    await ask(meter, answering(chunk(), stays=True))
    await reporter.step()
    seen = board.show("", 0)
    assert board.show(seen["epoch"], seen["last"])["records"] == []
    assert board.show("another", seen["last"])["records"] == seen["records"]


def test_a_report_that_is_none_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        UsageBoard().take(b'{"replica": 1}')


async def test_without_a_meter_nothing_is_watched() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await answering(b"{}")(scope, receive, send)

    await call(Guard(app, TOKEN, "r"), "POST", CHAT, headers=HEADERS)
    assert "headrace.usage" not in seen[0]


async def test_a_replica_tells_who_waits_for_its_engine_until_it_is_not_heard_of_any_more(
    meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter.seats = Seats(1, 100)
    running = meter.seats.take(Priority.CHAT, 1, "trn_1")
    meter.seats.take(Priority.JOB, 1, "job_1")
    meter.seats.take(Priority.CHAT, 1, "trn_2")
    assert meter.queue == (1, 2)
    board = UsageBoard()
    board.take(meter.report(0))
    (shown_queue,) = board.queue()["replicas"]
    assert shown_queue == {
        "model": "simulated",
        "revision": "r1",
        "running": 1,
        "waiters": 2,
        "waiting": ["trn_2", "job_1"],
    }
    running.leave()
    board.take(meter.report(0))
    assert board.queue()["replicas"][0]["waiting"] == ["job_1"]
    monkeypatch.setattr("serve.usage_board.BELIEVED_SECONDS", -1.0)
    assert board.queue() == {"replicas": []}


async def test_while_somebody_waits_the_board_is_told_each_second(
    meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serve.reporter.INTERVAL_S", 0.01)
    told: list[bytes] = []

    async def tell(report: bytes) -> str:
        told.append(report)
        return "epoch"

    meter.seats = Seats(1, 100)
    meter.seats.take(Priority.CHAT, 1, "trn_1")
    waiting = meter.seats.take(Priority.CHAT, 1, "trn_2")
    running = asyncio.create_task(Reporter(meter, tell).run())
    await until(lambda: len(told) > 20)
    waiting.leave()
    await until(lambda: orjson.loads(told[-1])["waiters"] == 0)
    running.cancel()
