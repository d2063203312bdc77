"""Every metric that is declared is also counted, when what it counts happens."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from core.errors import Unavailable
from core.postgres import Postgres
from gateway import metrics
from gateway.inference.fake import FakeEngineResponse
from tests.gateway.chat.talker import talker
from tests.gateway.client import Gateway, until
from tests.gateway.openai_api.conftest import Api
from tests.gateway.openai_api.conftest import api as api
from tests.gateway.openai_api.test_relay import ANSWER

# Counted by the worker, and looked at in jobs/test_titles.py.
OF_THE_WORKER = {"headrace_jobs", "headrace_outbox_sent"}


# Looked at in usage/test_reconciler.py and usage/test_journal.py.
OF_THE_LEDGER = {
    "headrace_ledger_difference_tokens",
    "headrace_ledger_estimated_tokens",
    "headrace_ledger_comparisons",
    "headrace_ledger_mismatches",
    "headrace_ledger_journal_failures",
}


# Looked at in shadows/test_shadows.py.
OF_THE_SHADOWS = {"headrace_shadow_requests"}


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def declared() -> set[str]:
    return {
        metric._name
        for metric in vars(metrics).values()
        if hasattr(metric, "_name") and hasattr(metric, "collect")
    }


async def test_every_declared_metric_has_a_test_that_sees_it_move(
    gateway: Gateway, api: Api, database: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: set[str] = set()

    def rises(name: str, before: float, after: float) -> None:
        assert after > before, name
        moved.add(name)

    person = api.person
    requests = value("headrace_http_requests_total", surface="openai", status="200")
    tokens = value("headrace_tokens_total", model="simulated", kind="prompt")
    turns = value("headrace_turns_total", model="simulated", outcome="completed")
    chat = value("headrace_first_token_seconds_count", surface="chat", model="simulated")
    first = value("headrace_first_token_seconds_count", surface="api", model="simulated")

    gateway.engine.refuse(200, ANSWER)
    await api.chat()
    rises(
        "headrace_http_requests",
        requests,
        value("headrace_http_requests_total", surface="openai", status="200"),
    )
    after_api = value("headrace_tokens_total", model="simulated", kind="prompt")
    rises("headrace_tokens", tokens, after_api)

    await person.ask(await person.conversation(), "Hi")
    rises("headrace_turns", turns, value("headrace_turns_total", model="simulated", outcome="completed"))
    assert value("headrace_tokens_total", model="simulated", kind="prompt") == after_api + 5
    rises(
        "headrace_first_token_seconds",
        chat,
        value("headrace_first_token_seconds_count", surface="chat", model="simulated"),
    )

    lost = {"model": "simulated", "reason": "engine_lost"}
    continued = value("headrace_turns_continued_total", **lost)
    gateway.engine.answers += [talker(lost_after=3), talker()]
    await person.ask(await person.conversation(), "Hi")
    rises("headrace_turns_continued", continued, value("headrace_turns_continued_total", **lost))

    failures = value("headrace_log_store_failures_total")
    with monkeypatch.context() as patched:

        async def away(*_: object) -> None:
            raise Unavailable("No store.")

        patched.setattr(gateway.house.log_writer._store, "append", away)
        gateway.engine.say(*["word "] * 20, pause=0.02)
        await person.ask(await person.conversation(), "Hi")
    rises("headrace_log_store_failures", failures, value("headrace_log_store_failures_total"))

    gateway.engine.say(*["word "] * 300, pause=0.02)
    turn = await person.begin(await person.conversation())
    await person.begun_to_write(turn)
    rises("headrace_turns_running", 0, value("headrace_turns_running"))
    await person.call("POST", f"/api/turns/{turn}/stop")
    await person.follow(turn)
    await until(lambda: value("headrace_turns_running") == 0)

    gateway.engine.answers.append(lambda *_: FakeEngineResponse(200, [b"x\n\n"], {}, 0.3))
    running = value("headrace_api_requests_running")
    asking = asyncio.create_task(api.chat(stream=True))
    await until(lambda: value("headrace_api_requests_running") > running)
    moved.add("headrace_api_requests_running")
    await asking
    rises(
        "headrace_first_token_seconds",
        first,
        value("headrace_first_token_seconds_count", surface="api", model="simulated"),
    )
    await until(lambda: value("headrace_api_requests_running") == running)

    sockets = value("headrace_event_sockets")
    async with person.http.ws_connect("/api/events"):
        await until(lambda: value("headrace_event_sockets") > sockets)
        moved.add("headrace_event_sockets")
    await until(lambda: value("headrace_event_sockets") == sockets)

    async with database.transaction() as connection:
        await connection.execute("LOCK TABLE ledger_entries IN EXCLUSIVE MODE")
        gateway.engine.refuse(200, ANSWER)
        await api.chat()
        await until(lambda: value("headrace_ledger_bookings_waiting") > 0)
        moved.add("headrace_ledger_bookings_waiting")
    await until(lambda: value("headrace_ledger_bookings_waiting") == 0)

    assert moved | OF_THE_WORKER | OF_THE_LEDGER | OF_THE_SHADOWS == declared()
