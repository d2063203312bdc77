"""A new password, by the present one or by a mail: what attackers try, and what the owner is told."""

import asyncio

import pytest

from auth.accounts.one_time_links import LIFETIMES, Purpose
from core.postgres import Postgres
from tests.auth.process import PASSWORD, MakePerson, MovableClock, Person, Process, Start

NEW = "nine copper kettles in the rain"
RESET = "Set a new password"
WAITING = "SELECT count(*) FROM mail_orders WHERE next_at <= now()"


async def forget(process: Process, email: str) -> int:
    async with process.client() as http:
        return (await http.post("/api/auth/forgotten-password", json={"email": email})).status_code


async def reset(process: Process, token: str, password: str = NEW) -> int:
    async with process.client() as http:
        body = {"token": token, "password": password}
        return (await http.post("/api/auth/reset-password", json=body)).status_code


async def login(process: Process, email: str, password: str) -> int:
    async with process.client() as http:
        return (await http.post("/api/auth/login", json={"email": email, "password": password})).status_code


async def me(process: Process, person: Person) -> int:
    async with process.client() as http:
        return (await http.get("/api/auth/me", headers=person.bearer)).status_code


async def token_for(process: Process, email: str) -> str:
    assert await forget(process, email) == 202
    return await process.mailbox.token(email, RESET)


async def test_a_forgotten_password_is_set_anew_and_every_session_ends(
    process: Process, person: MakePerson
) -> None:
    kim = await person(process)
    token = await token_for(process, kim.email)
    assert await reset(process, token) == 204
    assert await login(process, kim.email, PASSWORD) == 401
    assert await login(process, kim.email, NEW) == 200
    assert await me(process, kim) == 401
    await process.mailbox.letter(kim.email, "Your password was changed")


async def test_a_reset_signs_nobody_in(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    token = await token_for(process, kim.email)
    async with process.client(browser=True) as http:
        answer = await http.post("/api/auth/reset-password", json={"token": token, "password": NEW})
    assert (answer.status_code, answer.content) == (204, b"")
    assert "set-cookie" not in answer.headers


async def test_a_link_works_once_also_when_two_are_as_fast(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    token = await token_for(process, kim.email)
    statuses = await asyncio.gather(*(reset(process, token, f"{NEW} {turn}") for turn in range(5)))
    assert sorted(statuses) == [204, 410, 410, 410, 410]
    assert await reset(process, token) == 410


async def test_a_link_is_good_for_half_an_hour(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim = await person(process)
    token = await token_for(process, kim.email)
    clock.move(seconds=LIFETIMES[Purpose.RESET_PASSWORD].total_seconds() + 1)
    assert await reset(process, token) == 410


async def test_a_newer_link_and_a_changed_password_void_the_older_one(
    process: Process, person: MakePerson
) -> None:
    kim = await person(process)
    first = await token_for(process, kim.email)
    second = await token_for(process, kim.email)
    assert await reset(process, first) == 410
    async with process.client() as http:
        body = {"current_password": PASSWORD, "password": NEW}
        changed = await http.post("/api/auth/password", json=body, headers=kim.bearer)
        assert changed.status_code == 200, changed.text
    assert await reset(process, second) == 410


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "\u0000", "' OR 1=1 --", "\N{GRINNING FACE}" * 20])
async def test_guessed_links_open_nothing(process: Process, token: str) -> None:
    assert await reset(process, token) in (410, 422)


async def test_a_link_is_for_its_purpose_only(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    verification = await process.mailbox.token(kim.email, "Confirm your email address")
    assert await reset(process, verification) == 410
    token = await token_for(process, kim.email)
    async with process.client() as http:
        assert (await http.post("/api/auth/verify-email", json={"token": token})).status_code == 410


async def test_a_refused_password_leaves_the_link_as_it_was(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    token = await token_for(process, kim.email)
    assert await reset(process, token, "short") == 422
    assert await reset(process, token) == 204


async def test_the_answer_is_the_same_for_an_unknown_address_which_gets_no_mail(
    process: Process, person: MakePerson, postgres: Postgres
) -> None:
    kim = await person(process)
    answers = []
    for email in (kim.email, "nobody-" + kim.email, "no address"):
        async with process.client() as http:
            answer = await http.post("/api/auth/forgotten-password", json={"email": email})
        answers.append((answer.status_code, answer.content, sorted(answer.headers)))
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 202
    await process.mailbox.letter(kim.email, RESET)
    async with asyncio.timeout(10):
        while await postgres.fetchval(WAITING):  # noqa: ASYNC110 - seen from outside only
            await asyncio.sleep(0.02)
    assert process.mailbox.to("nobody-" + kim.email) == []


async def test_the_mail_goes_to_the_address_of_the_account_not_to_what_was_typed(
    process: Process, person: MakePerson
) -> None:
    kim = await person(process)
    assert await forget(process, kim.email.upper()) == 202
    await process.mailbox.letter(kim.email, RESET)
    assert process.mailbox.to(kim.email.upper()) == []


async def test_the_link_leads_to_our_own_address_whatever_host_was_asked(
    process: Process, person: MakePerson
) -> None:
    kim = await person(process)
    async with process.client(host="evil.example") as http:
        await http.post("/api/auth/forgotten-password", json={"email": kim.email})
    letter = await process.mailbox.letter(kim.email, RESET)
    assert "evil.example" not in letter.text + letter.html
    assert await process.mailbox.token(kim.email, RESET)


async def test_no_secret_of_a_link_is_stored(
    process: Process, person: MakePerson, postgres: Postgres
) -> None:
    kim = await person(process)
    token = await token_for(process, kim.email)
    assert len(token) >= 43
    stored = await postgres.fetch("SELECT * FROM one_time_links")
    orders = await postgres.fetch("SELECT * FROM mail_orders")
    assert token not in str([dict(row) for row in [*stored, *orders]])


async def test_nobody_can_be_flooded_with_mails(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    statuses = []
    for turn in range(8):
        async with process.client(address=f"198.51.100.{turn}") as http:
            answer = await http.post("/api/auth/forgotten-password", json={"email": kim.email})
            statuses.append(answer.status_code)
    assert statuses == [202] * 5 + [429] * 3


async def test_a_disabled_account_gets_no_link(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    token = await token_for(process, kim.email)
    await process.auth.accounts.set_active(kim.email, active=False)
    assert await reset(process, token) == 410


async def test_the_present_password_is_needed_to_change_it(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    async with process.client() as http:
        for current in ("", "wrong", NEW):
            body = {"current_password": current, "password": NEW}
            refused = await http.post("/api/auth/password", json=body, headers=kim.bearer)
            assert (refused.status_code, refused.json()["code"]) == (401, "wrong_credentials")
    assert await login(process, kim.email, PASSWORD) == 200


async def test_changing_the_password_ends_the_other_sessions_when_asked_to(
    process: Process, person: MakePerson
) -> None:
    kim = await person(process)
    async with process.client() as http:
        elsewhere = (await http.post("/api/auth/login", json=kim.credentials)).json()
        other = {"authorization": f"Bearer {elsewhere['access_token']}"}
        body = {"current_password": PASSWORD, "password": NEW, "end_other_sessions": False}
        kept = await http.post("/api/auth/password", json=body, headers=kim.bearer)
        assert kept.json() == {"ended_sessions": 0}
        assert (await http.get("/api/auth/me", headers=other)).status_code == 200
        body = {"current_password": NEW, "password": NEW + " again"}
        ended = await http.post("/api/auth/password", json=body, headers=kim.bearer)
        assert ended.json() == {"ended_sessions": 1}
        assert (await http.get("/api/auth/me", headers=other)).status_code == 401
        assert (await http.get("/api/auth/me", headers=kim.bearer)).status_code == 200
    await process.mailbox.letter(kim.email, "Your password was changed")


async def test_guessing_the_present_password_is_throttled(start: Start, person: MakePerson) -> None:
    process = await start(logins_per_minute=5)
    kim = await person(process, address="203.0.113.9")
    async with process.client(address="203.0.113.9") as http:
        statuses = []
        for _ in range(6):
            body = {"current_password": "wrong", "password": NEW}
            answer = await http.post("/api/auth/password", json=body, headers=kim.bearer)
            statuses.append(answer.status_code)
    assert statuses[-1] == 429
