"""What the OpenAI surface books: once, with the engine's own figures where it told them."""

import orjson

from core.postgres import Postgres
from gateway.inference.fake import chat_stream
from tests.gateway.openai_api.conftest import Api
from tests.gateway.openai_api.test_relay import ANSWER


async def test_a_whole_answer_is_booked_once_with_the_engines_figures(api: Api, database: Postgres) -> None:
    api.gateway.engine.refuse(200, ANSWER)
    await api.chat()
    await api.gateway.house.booking.flush()
    (entry,) = await api.booked(database)
    assert (entry["prompt_tokens"], entry["completion_tokens"], entry["exact"]) == (11, 3, True)
    assert (entry["state"], entry["outcome"], entry["model"], entry["revision"]) == (
        "settled",
        "completed",
        "simulated",
        "r1",
    )
    assert entry["key_id"].startswith("key_")


async def test_a_stream_is_booked_once_with_the_engines_figures_hidden_or_not(
    api: Api, database: Postgres
) -> None:
    for usage in (False, True):
        api.gateway.engine.stream(*chat_stream(["a", "b", "c"], prompt_tokens=17))
        await api.chat(stream=True, stream_options={"include_usage": usage})
    entries = await api.booked(database, 2)
    assert [(e["prompt_tokens"], e["completion_tokens"], e["exact"]) for e in entries] == [(17, 3, True)] * 2


async def test_running_figures_on_every_chunk_are_not_added_up(api: Api, database: Postgres) -> None:
    def chunk(words: int) -> bytes:
        usage = {"prompt_tokens": 9, "completion_tokens": words, "total_tokens": 9 + words}
        return b"data: " + orjson.dumps({"choices": [{"delta": {"content": "x"}}], "usage": usage}) + b"\n\n"

    api.gateway.engine.stream(*(chunk(n) for n in range(1, 6)), b"data: [DONE]\n\n")
    answered = await api.chat(stream=True)
    assert answered.body.count(b"data: ") == 6
    (entry,) = await api.booked(database)
    assert (entry["prompt_tokens"], entry["completion_tokens"]) == (9, 5)


async def test_an_answer_without_figures_is_estimated_and_marked(api: Api, database: Postgres) -> None:
    api.gateway.engine.stream(*chat_stream(["a", "b", "c"])[:4], b"data: [DONE]\n\n")
    await api.chat(stream=True)
    (entry,) = await api.booked(database)
    assert (entry["exact"], entry["prompt_tokens"]) == (False, 3)
    assert entry["completion_tokens"] >= 3


async def test_impossible_figures_are_not_believed_and_block_nobody(api: Api, database: Postgres) -> None:
    for figure in (10**12, -5, "many"):
        api.gateway.engine.refuse(
            200, orjson.dumps({"choices": [], "usage": {"prompt_tokens": figure, "completion_tokens": 1}})
        )
        assert (await api.chat()).status == 200
    api.gateway.engine.refuse(200, ANSWER)
    await api.chat()
    entries = await api.booked(database, 4)
    assert sorted(entry["exact"] for entry in entries) == [False, False, False, True]
    assert all(0 <= entry["prompt_tokens"] <= 11 for entry in entries)


async def test_a_refused_request_costs_nothing(api: Api, database: Postgres) -> None:
    await api.chat(n=99)
    api.gateway.engine.refuse(400, b"{}")
    await api.chat()
    api.gateway.engine.refuse(200, ANSWER)
    await api.chat()
    assert len(await api.booked(database)) == 1


async def test_the_same_request_id_twice_is_two_requests(api: Api, database: Postgres) -> None:
    for _ in range(2):
        api.gateway.engine.refuse(200, ANSWER)
        body = {"model": "simulated", "messages": [{"role": "user", "content": "x"}]}
        await api.send(body, headers={"x-request-id": "same"})
    assert len(await api.booked(database, 2)) == 2


async def test_the_report_adds_up_to_what_was_booked(api: Api, database: Postgres) -> None:
    for _ in range(3):
        api.gateway.engine.refuse(200, ANSWER)
        await api.chat()
    conversation = await api.person.conversation()
    await api.person.ask(conversation, "Hi")
    await api.booked(database, 3)
    status, report = await api.person.call("GET", "/api/usage?days=1")
    assert status == 200
    assert report["total"] == {"prompt_tokens": 38, "completion_tokens": 11, "requests": 4}
    # One line for the page, one for the key.
    assert [line["model"] for line in report["items"]] == ["simulated", "simulated"]
    for days in ("0", "367", "x"):
        assert (await api.person.call("GET", f"/api/usage?days={days}"))[0] == 422


async def test_one_persons_usage_is_not_in_anothers_report(api: Api) -> None:
    api.gateway.engine.refuse(200, ANSWER)
    await api.chat()
    other = await api.gateway.person()
    _, report = await other.call("GET", "/api/usage")
    await other.close()
    assert report == {"items": [], "total": {"prompt_tokens": 0, "completion_tokens": 0, "requests": 0}}


async def test_a_deleted_key_keeps_its_bookings(api: Api, database: Postgres) -> None:
    api.gateway.engine.refuse(200, ANSWER)
    await api.chat()
    await api.booked(database)
    await database.execute("DELETE FROM api_keys WHERE user_id = $1", api.person.id)
    (entry,) = await api.booked(database)
    assert (entry["key_id"], entry["prompt_tokens"]) == (None, 11)
