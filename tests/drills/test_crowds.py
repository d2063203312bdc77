"""A hundred requests at the same moment, against all gateways at once."""

import asyncio
from typing import Any

import pytest

from core.postgres import Postgres
from tests.drills.conftest import Note
from tests.drills.follower import person_at
from tests.drills.instance import Instance
from tests.gateway.client import MODEL, Person

pytestmark = [pytest.mark.stack, pytest.mark.drill]

CROWD = 100
ANSWER_TOKENS = 40
JOBS_S = 60


async def test_a_hundred_equal_posts_with_one_idempotency_key_make_one_turn(
    instance: Instance, database: Postgres, note: Note
) -> None:
    await instance.all_ready()
    person = await person_at(instance.url)
    try:
        conversation = await person.conversation()
        headers = {"Idempotency-Key": "a-hundred-at-once", "Connection": "close"}

        async def post() -> tuple[int, Any]:
            return await person.call(
                "POST",
                f"/api/conversations/{conversation}/turns",
                json={"content": "Hello", "model": MODEL},
                headers=headers,
            )

        answers = await asyncio.gather(*(post() for _ in range(CROWD)))
        made = {body["turn_id"] for status, body in answers if status == 201}
        refused = [(status, body["code"]) for status, body in answers if status != 201]
        stored = await database.fetchval("SELECT count(*) FROM turns WHERE user_id = $1", person.id)
        note(f"{CROWD} equal POSTs: {stored} turn, {len(refused)} were told that it is under way")
        assert (len(made), stored) == (1, 1)
        assert set(refused) <= {(409, "idempotency_in_flight")}
        # Whoever asks again is told the same.
        assert await post() == (201, next(body for status, body in answers if status == 201))
    finally:
        await person.close()


async def test_a_hundred_different_posts_against_a_budget_for_ten_are_admitted_ten_times_at_most(
    instance: Instance, database: Postgres, note: Note
) -> None:
    await instance.all_ready()
    admin = await person_at(instance.url)
    person = await person_at(instance.url)
    try:
        question = "[[slow]] [[echo]]" + " ".join(["w"] * ANSWER_TOKENS)
        first = await person.ask(await person.conversation(), question, max_tokens=1)
        prompt = int(first[-2][2]["prompt_tokens"])
        used = prompt + 1
        await database.execute("UPDATE users SET role = 'admin' WHERE id = $1", admin.id)
        status, said = await admin.call(
            "PUT",
            f"/api/admin/users/{person.id}/budget",
            json={"day": used + 10 * (prompt + ANSWER_TOKENS), "month": None},
        )
        assert status == 200, said
        conversations = [await person.conversation() for _ in range(CROWD)]

        async def post(conversation: str) -> tuple[int, Any]:
            return await person.call(
                "POST",
                f"/api/conversations/{conversation}/turns",
                json={"content": question, "model": MODEL, "max_tokens": ANSWER_TOKENS},
                headers={"Connection": "close"},
            )

        answers = await asyncio.gather(*(post(conversation) for conversation in conversations))
        admitted = [body["turn_id"] for status, body in answers if status == 201]
        refused = [(status, body["code"]) for status, body in answers if status != 201]
        note(f"{CROWD} POSTs against a budget for ten: {len(admitted)} admitted, {len(refused)} refused")
        assert 1 <= len(admitted) <= 10
        assert set(refused) == {(402, "budget_exhausted")}
        await asyncio.gather(*(person.follow(turn) for turn in admitted))
        day = await _day_when_nothing_is_reserved(person)
        spent = await database.fetchval(
            "SELECT sum(prompt_tokens + completion_tokens) FROM ledger_entries "
            "WHERE user_id = $1 AND kind = 'turn'",
            person.id,
        )
        assert spent == used + len(admitted) * (prompt + ANSWER_TOKENS) <= day["limit"]
        # The titles of these conversations are the rest, and the budget bounds them as well.
        assert spent <= day["used"] <= day["limit"]
    finally:
        await admin.close()
        await person.close()


async def _day_when_nothing_is_reserved(person: Person) -> dict[str, Any]:
    """The day's budget. Answers are over by now; the jobs that give titles may still hold their share."""
    for _ in range(JOBS_S):
        status, limits = await person.call("GET", "/api/usage/limits")
        assert status == 200, limits
        day: dict[str, Any]
        (day,) = [budget for budget in limits["budgets"] if budget["period"] == "day"]
        if not day["reserved"]:
            return day
        await asyncio.sleep(1)
    raise AssertionError(f"{day['reserved']} tokens are reserved {JOBS_S} s after the last answer")
