"""Summaries, all the way: what did not fit, the job, the ledger, the next prompt, the person's tab."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from core.postgres import Postgres
from core.settings import Settings
from gateway.inference import Target
from gateway.inference.fake import FakeEngineResponse, FakeInference
from gateway.inference.protocol import REPLICA_HEADER
from gateway.jobs.consumer import MOST_ATTEMPTS
from tests.gateway.client import MODEL, Gateway, Person
from tests.gateway.jobs.conftest import working

LONG = "y" * 2_500


class Summariser:
    """An engine that numbers its summaries. A token is a character, as for the gateway's engine here."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refuse = False
        self.silent = False
        self.inference = FakeInference(self._respond)

    def reset(self) -> None:
        self.asked.clear()
        self.refuse = False
        self.silent = False

    def _respond(self, _: Target, route: str, body: bytes) -> FakeEngineResponse:
        asked = orjson.loads(body)
        text = "".join(message["content"] for message in asked["messages"])
        if route == "/tokenize":
            return FakeEngineResponse(200, [orjson.dumps({"count": len(text)})])
        if "You name conversations" in text:
            return self._say("Title", 10)
        assert len(text) + asked["max_tokens"] <= 8192, "longer than the window"
        self.asked.append(text)
        if self.refuse:
            return FakeEngineResponse(500, [b"{}"], {REPLICA_HEADER: "replica"})
        if self.silent:
            return self._say(" \n", len(text))
        return self._say(f" Summary {len(self.asked)} of them.", len(text))

    def _say(self, words: str, prompt_tokens: int) -> FakeEngineResponse:
        usage = {"prompt_tokens": prompt_tokens, "completion_tokens": 7}
        answer = {"choices": [{"message": {"content": words}}], "usage": usage}
        return FakeEngineResponse(200, [orjson.dumps(answer)])


@pytest.fixture(scope="module")
async def running_summariser(running_gateway: Gateway, settings: Settings) -> AsyncIterator[Summariser]:
    engine = Summariser()
    async with working(running_gateway, settings, engine.inference):
        yield engine


@pytest.fixture
def summariser(running_summariser: Summariser, gateway: Gateway) -> Summariser:
    running_summariser.reset()
    gateway.engine.tokens, gateway.engine.consistent = len, True
    return running_summariser


async def trimmed(gateway: Gateway, person: Person, turns: int = 2, **fields: Any) -> tuple[str, int]:
    """A conversation whose last prompt was too long, and how many messages were left out of it."""
    conversation = await person.conversation(summarise=True, **fields)
    events: list[Any] = []
    for number in range(turns):
        gateway.engine.say(f"answer {number} " + LONG)
        events = await person.ask(conversation, f"question {number} " + LONG)
    assert events[0][2]["trimmed_messages"] > 0
    return conversation, events[0][2]["trimmed_messages"]


async def jobs_of(person: Person) -> list[dict[str, Any]]:
    """The person's summary jobs, oldest first."""
    _, page = await person.call("GET", "/api/jobs")
    return [job for job in reversed(page["items"]) if job["kind"] == "summary"]


async def ended(person: Person, jobs: int = 1) -> list[dict[str, Any]]:
    """The person's summary jobs, once there are as many and all have ended."""
    async with asyncio.timeout(60):
        while True:
            found = await jobs_of(person)
            if len(found) >= jobs and all(job["state"] in ("succeeded", "failed") for job in found):
                return found
            await asyncio.sleep(0.05)


async def summary_of(person: Person, conversation: str) -> tuple[int, dict[str, Any]]:
    return await person.call("GET", f"/api/conversations/{conversation}/summary")


async def test_what_does_not_fit_is_summarised_and_the_next_prompt_holds_the_summary(
    summariser: Summariser, gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation, left_out = await trimmed(gateway, person, system_prompt="Be kind.")
    (job,) = await ended(person)
    assert (job["state"], job["conversation_id"], job["attempts"], job["error"]) == (
        "succeeded",
        conversation,
        1,
        None,
    )
    status, summary = await summary_of(person, conversation)
    assert (status, summary["text"]) == (200, "Summary 1 of them.")
    assert (summary["messages"], summary["model"], summary["tokens"]) == (left_out, MODEL, 7)
    messages = await person.messages(conversation)
    assert summary["message_id"] == messages[left_out - 1]["id"]
    assert "question 0" in summariser.asked[0]

    events = await person.ask(conversation, "newest")
    prompt = gateway.engine.asked()[-1]["messages"]
    assert prompt[0]["role"] == "system"
    assert prompt[0]["content"].startswith("Be kind.\n\n")
    assert prompt[0]["content"].endswith("Summary 1 of them.")
    assert [message["role"] for message in prompt].count("system") == 1
    assert events[0][2]["summarised_messages"] == left_out
    assert events[0][2]["trimmed_messages"] >= left_out
    answer = (await person.messages(conversation))[-1]
    assert answer["summarised_messages"] == answer["turn"]["summarised_messages"] == left_out
    # Byte for byte, also from what is stored.
    turn = events[0][2]["turn_id"]
    assert f'"summarised_messages":{left_out}'.encode() in await person.follow(turn)

    entry = await database.fetchrow(
        "SELECT state, prompt_tokens, completion_tokens, model FROM ledger_entries WHERE reference = $1",
        job["id"],
    )
    assert entry is not None
    assert tuple(entry) == ("settled", len(summariser.asked[0]), 7, MODEL)


async def test_a_later_summary_goes_on_from_the_earlier_one(
    summariser: Summariser, gateway: Gateway, person: Person
) -> None:
    conversation, first = await trimmed(gateway, person)
    await ended(person)
    gateway.engine.say("answer 2 " + LONG)
    await person.ask(conversation, "question 2 " + LONG)
    await ended(person, 2)
    assert "Summary 1 of them." in summariser.asked[1]
    assert "question 0" not in summariser.asked[1]
    _, summary = await summary_of(person, conversation)
    assert summary["text"] == "Summary 2 of them."
    assert summary["messages"] > first


async def test_more_than_one_prompt_holds_is_summarised_by_one_job_after_the_other(
    summariser: Summariser, gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    for number in range(6):
        gateway.engine.say(f"answer {number} " + LONG)
        await person.ask(conversation, f"question {number} " + LONG)
    await person.call("PATCH", f"/api/conversations/{conversation}", json={"summarise": True})
    events = await person.ask(conversation, "question 6 " + LONG)
    left_out = events[0][2]["trimmed_messages"]
    assert left_out >= 8
    done = await ended(person, 3)
    while (await summary_of(person, conversation))[1]["messages"] != left_out:
        assert len(done) < 12
        done = await ended(person, len(done) + 1)
    assert {job["state"] for job in done} == {"succeeded"}
    charged = await database.fetch(
        "SELECT reference FROM ledger_entries WHERE user_id = $1 AND reference = ANY($2::text[]) "
        "AND state = 'settled'",
        person.id,
        [job["id"] for job in done],
    )
    assert len(charged) == len(done) == len(summariser.asked)
    seen = "".join(summariser.asked)
    assert all(f"question {number} " in seen for number in range(left_out // 2))


async def test_who_does_not_want_summaries_gets_none(
    summariser: Summariser, gateway: Gateway, person: Person
) -> None:
    conversation = await person.conversation()
    for number in range(3):
        gateway.engine.say(f"answer {number} " + LONG)
        await person.ask(conversation, f"question {number} " + LONG)
    assert await jobs_of(person) == []
    status, problem = await summary_of(person, conversation)
    assert (status, problem["code"]) == (404, "not_found")
    _, shown = await person.call("GET", f"/api/conversations/{conversation}")
    assert shown["summarise"] is False


async def test_a_branch_that_leaves_before_the_summary_does_not_read_it(
    summariser: Summariser, gateway: Gateway, person: Person
) -> None:
    conversation, _ = await trimmed(gateway, person)
    await ended(person)
    events = await person.ask(conversation, "anew", parent_id=None)
    assert (events[0][2]["trimmed_messages"], events[0][2]["summarised_messages"]) == (0, 0)
    assert "Summary" not in str(gateway.engine.asked()[-1]["messages"])
    assert (await summary_of(person, conversation))[0] == 404


async def test_the_tab_is_told_how_the_job_stands(
    summariser: Summariser, gateway: Gateway, person: Person
) -> None:
    states: list[str] = []
    async with person.http.ws_connect("/api/events") as socket:
        conversation, _ = await trimmed(gateway, person)
        async with asyncio.timeout(60):
            while "succeeded" not in states:
                event = orjson.loads((await socket.receive()).data)
                if event["type"] == "job.updated" and event["job"]["kind"] == "summary":
                    assert event["job"]["conversation_id"] == conversation
                    states.append(event["job"]["state"])
    assert states == ["running", "succeeded"]


async def test_an_engine_that_fails_is_asked_again_and_the_job_says_why_it_failed(
    summariser: Summariser, gateway: Gateway, person: Person, database: Postgres
) -> None:
    summariser.refuse = True
    conversation, _ = await trimmed(gateway, person)
    (job,) = await ended(person)
    assert (job["state"], job["attempts"]) == ("failed", MOST_ATTEMPTS)
    assert "500" in job["error"]
    held = await database.fetchval(
        "SELECT coalesce(sum(reserved), 0) FROM usage_periods WHERE subject = $1", person.id
    )
    assert held == 0
    # The person goes on without, and may ask for it again.
    summariser.refuse = False
    status, again = await person.call(
        "POST", "/api/jobs", json={"kind": "summary", "conversation_id": conversation}
    )
    assert (status, again["state"], again["attempts"]) == (202, "queued", 0)
    assert [job["state"] for job in await ended(person, 2)] == ["failed", "succeeded"]
    assert (await summary_of(person, conversation))[0] == 200


async def test_an_empty_summary_is_no_summary_and_is_charged_once(
    summariser: Summariser, gateway: Gateway, person: Person, database: Postgres
) -> None:
    summariser.silent = True
    conversation, _ = await trimmed(gateway, person)
    (job,) = await ended(person)
    assert (job["state"], job["attempts"], job["error"]) == ("failed", 1, "The model wrote an empty summary.")
    assert (await summary_of(person, conversation))[0] == 404
    entry = await database.fetchrow(
        "SELECT state, prompt_tokens, completion_tokens FROM ledger_entries WHERE reference = $1", job["id"]
    )
    assert entry is not None
    assert tuple(entry) == ("settled", len(summariser.asked[0]), 7)


async def test_a_budget_that_is_used_up_pays_no_summary(
    summariser: Summariser, gateway: Gateway, person: Person, database: Postgres
) -> None:
    await database.execute(
        "UPDATE users SET tokens_per_day = (SELECT 30000::bigint) WHERE id = $1", person.id
    )
    await database.execute(
        "INSERT INTO usage_periods (subject, period, starts_on, used) "
        "VALUES ($1, 'day', (now() AT TIME ZONE 'UTC')::date, 0) ON CONFLICT DO NOTHING",
        person.id,
    )
    summariser.refuse = True
    conversation, _ = await trimmed(gateway, person)
    await ended(person)
    summariser.reset()
    await database.execute("UPDATE usage_periods SET used = 30000 WHERE subject = $1", person.id)
    status, _ = await person.call(
        "POST", "/api/jobs", json={"kind": "summary", "conversation_id": conversation}
    )
    assert status == 202
    job = (await ended(person, 2))[-1]
    assert (job["state"], job["attempts"]) == ("failed", 1)
    assert "budget" in job["error"]
    assert summariser.asked == []


async def test_one_summary_of_a_conversation_at_a_time(
    summariser: Summariser, gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation, _ = await trimmed(gateway, person)
    await ended(person)
    await database.execute(
        "INSERT INTO jobs (id, kind, user_id, idempotency_key, payload, traceparent, due_at) "
        "SELECT 'job_' || md5(id), kind, user_id, id, payload, traceparent, now() + interval '1 h' "
        "FROM jobs WHERE user_id = $1 AND kind = 'summary'",
        person.id,
    )
    body = {"kind": "summary", "conversation_id": conversation}
    status, problem = await person.call("POST", "/api/jobs", json=body)
    assert (status, problem["code"]) == (409, "conflict")
    await database.execute(
        "UPDATE jobs SET state = 'failed' WHERE user_id = $1 AND state = 'queued'", person.id
    )
    assert (await person.call("POST", "/api/jobs", json=body))[0] == 202


async def test_100_equal_posts_at_once_make_one_job(
    summariser: Summariser, gateway: Gateway, another_gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation, _ = await trimmed(gateway, person)
    before = len(await ended(person))
    there = person.at(another_gateway)
    body = {"kind": "summary", "conversation_id": conversation}

    async def post(who: Person) -> tuple[int, dict[str, Any], bool]:
        async with who.http.post("/api/jobs", json=body, headers={"Idempotency-Key": "k-1"}) as response:
            replayed = response.headers.get("Idempotency-Replayed") == "true"
            return response.status, await response.json(), replayed

    answers = await asyncio.gather(*(post((person, there)[number % 2]) for number in range(100)))
    made = [answer for answer in answers if answer[0] == 202]
    assert len({job["id"] for _, job, _ in made}) == 1
    assert sum(not replayed for _, _, replayed in made) == 1
    assert {status for status, _, _ in answers} <= {202, 409}
    assert len(await ended(person, before + 1)) == before + 1
    later = await post(there)
    await there.close()
    assert (later[0], later[1]["state"], later[2]) == (202, "succeeded", True)
    status, problem = await person.call(
        "POST",
        "/api/jobs",
        json={**body, "conversation_id": "cnv_" + "0" * 32},
        headers={"Idempotency-Key": "k-1"},
    )
    assert (status, problem["code"]) == (422, "idempotency_mismatch")


async def test_a_conversation_that_is_read_whole_has_nothing_to_summarise(
    summariser: Summariser, person: Person
) -> None:
    conversation = await person.conversation()
    body = {"kind": "summary", "conversation_id": conversation}
    for _ in range(2):
        status, problem = await person.call("POST", "/api/jobs", json=body)
        assert (status, problem["code"]) == (422, "invalid")
        assert problem["errors"][0]["field"] == "conversation_id"
        await person.ask(conversation, "Hi")


@pytest.mark.parametrize(
    "body",
    [{}, {"kind": "summary"}, {"kind": "mine-bitcoin", "conversation_id": "x"}, {"kind": "title"}, [], "x"],
)
async def test_a_job_that_is_none_is_refused(person: Person, body: object) -> None:
    status, problem = await person.call("POST", "/api/jobs", json=body)
    assert (status, problem["code"]) == (422, "invalid")


async def test_jobs_come_in_pages_newest_first_and_another_persons_are_not_there(
    person: Person, stranger: Person, database: Postgres
) -> None:
    await database.execute(
        "INSERT INTO jobs (id, kind, user_id, idempotency_key, payload, traceparent, state, created_at) "
        "SELECT 'job_' || md5($1 || n::text), 'test', $1, $1 || n::text, '{}', '', 'succeeded', "
        # Pairs of the same moment.
        "now() - make_interval(mins => n / 2) FROM generate_series(1, 7) n",
        person.id,
    )
    seen: list[str] = []
    query = "?limit=3"
    while True:
        status, page = await person.call("GET", "/api/jobs" + query)
        assert status == 200
        seen += [job["id"] for job in page["items"]]
        if page["next_cursor"] is None:
            break
        query = f"?limit=3&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen)) == 7
    _, whole = await person.call("GET", "/api/jobs")
    assert seen == [job["id"] for job in whole["items"]]
    assert [job["created_at"] for job in whole["items"]] == sorted(
        (job["created_at"] for job in whole["items"]), reverse=True
    )
    assert (await person.call("GET", f"/api/jobs/{seen[0]}"))[1]["id"] == seen[0]
    assert (await stranger.call("GET", "/api/jobs"))[1]["items"] == []
    for cursor in ("x", "bm9wZQ", page["next_cursor"] or "fHw"):
        assert (await person.call("GET", f"/api/jobs?cursor={cursor}"))[0] == 422


async def test_a_deleted_conversation_is_not_summarised(
    summariser: Summariser, gateway: Gateway, person: Person, database: Postgres
) -> None:
    summariser.refuse = True
    conversation, _ = await trimmed(gateway, person)
    await ended(person)
    summariser.reset()
    await person.call("DELETE", f"/api/conversations/{conversation}")
    await database.execute(
        "UPDATE jobs SET state = 'queued', attempts = 0, due_at = now(), published_at = NULL, "
        "created_at = now() - interval '1 h' WHERE user_id = $1 AND kind = 'summary'",
        person.id,
    )
    (job,) = await ended(person)
    assert job["state"] == "succeeded"
    assert summariser.asked == []
    assert (
        await database.fetchval("SELECT count(*) FROM summaries WHERE conversation_id = $1", conversation)
        == 0
    )


async def test_a_summary_of_another_person_is_not_there(
    summariser: Summariser, gateway: Gateway, person: Person, stranger: Person
) -> None:
    conversation, _ = await trimmed(gateway, person)
    await ended(person)
    assert (await summary_of(stranger, conversation))[0] == 404
    status, problem = await stranger.call(
        "POST", "/api/jobs", json={"kind": "summary", "conversation_id": conversation}
    )
    assert (status, problem["code"]) == (404, "not_found")
