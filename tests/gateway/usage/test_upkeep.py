"""Reservations: renewed while their owner lives, given back when it is gone, counted where they were made."""

import asyncio
from dataclasses import replace

import pytest

from core.postgres import Postgres
from gateway.inference.fake import chat_stream
from gateway.usage.repository import LedgerRepository
from gateway.usage.tables import Kind, Outcome, Tokens
from tests.gateway.client import until
from tests.gateway.openai_api.conftest import Api
from tests.gateway.usage.test_booking import entry
from tests.gateway.usage.test_budgets import give, held


async def expire(database: Postgres, api: Api) -> None:
    """As if two minutes had passed."""
    await database.execute(
        "UPDATE ledger_entries SET expires_at = now() - interval '1 s' WHERE user_id = $1", api.person.id
    )


async def test_a_long_answer_keeps_its_reservation_and_a_dead_ones_is_given_back(
    api: Api, database: Postgres
) -> None:
    house = api.gateway.house
    await give(database, api.gateway, api.person, day=100_000)
    api.gateway.engine.stream(*chat_stream(["w"] * 60), pause=0.05)
    asking = asyncio.create_task(api.chat(stream=True, max_tokens=500))
    await until(lambda: len(house.booking.reserved()) == 1)
    await expire(database, api)
    await house.ledger_upkeep.step()
    (_, _, reserved), _ = await held(database, api.person.id)
    assert reserved > 500
    # The process that would renew it is gone.
    opened = house.booking._open.copy()
    house.booking._open.clear()
    await expire(database, api)
    await house.ledger_upkeep.step()
    assert await held(database, api.person.id) == {("day", 0, 0), ("month", 0, 0)}
    house.booking._open.update(opened)
    # It was only believed to be: what it cost is charged all the same, and nothing is given back twice.
    assert (await asking).status == 200
    await until(lambda: not house.booking.reserved())
    await house.booking.flush()
    assert await held(database, api.person.id) == {("day", 65, 0), ("month", 65, 0)}
    (entry,) = await api.booked(database)
    assert (entry["state"], entry["exact"]) == ("settled", True)


@pytest.mark.parametrize("way", ["settle", "book", "lapse"])
async def test_what_was_held_yesterday_is_counted_yesterday(api: Api, database: Postgres, way: str) -> None:
    ledger = LedgerRepository(database)
    person = api.person.id
    reference = f"api-{person}"
    async with database.transaction() as connection:
        await ledger.reserve(
            connection,
            user_id=person,
            kind=Kind.API,
            reference=reference,
            model="m",
            revision="r",
            tokens=50,
            expires=True,
        )
    await database.execute(
        "UPDATE ledger_entries SET created_at = created_at - interval '40 days' WHERE user_id = $1", person
    )
    await database.execute(
        "UPDATE usage_periods u SET starts_on = date_trunc(u.period, l.created_at AT TIME ZONE 'UTC')::date "
        "FROM ledger_entries l WHERE l.user_id = u.subject AND u.subject = $1",
        person,
    )
    if way == "settle":
        async with database.transaction() as connection:
            await ledger.settle(
                connection,
                kind=Kind.API,
                reference=reference,
                outcome=Outcome.STOPPED,
                tokens=Tokens(3, 4),
            )
    elif way == "book":
        await ledger.book([replace(entry(api.person, 1), reference=reference, tokens=Tokens(3, 4))])
    else:
        await expire(database, api)
        await ledger.lapse()
    used = 0 if way == "lapse" else 7
    rows = await database.fetch(
        "SELECT period, used, reserved, starts_on < (now() - interval '8 days')::date AS past "
        "FROM usage_periods WHERE subject = $1 ORDER BY period",
        person,
    )
    assert [(row["period"], row["used"], row["reserved"], row["past"]) for row in rows] == [
        ("day", used, 0, True),
        ("month", used, 0, True),
    ]
