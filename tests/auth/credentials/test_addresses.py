"""The address of an account: proved by mail, changed only with a fresh proof of who asks."""

import secrets

from core.postgres import Postgres
from tests.auth.process import PASSWORD, MakePerson, MovableClock, Person, Process, Start

VERIFY = "Confirm your email address"
CHANGE = "Confirm your new email address"


async def prove(process: Process, token: str) -> tuple[int, str | None]:
    async with process.client() as http:
        answer = await http.post("/api/auth/verify-email", json={"token": token})
    return answer.status_code, answer.json().get("email")


async def ask_to_change(process: Process, person: Person, email: str) -> int:
    async with process.client() as http:
        answer = await http.post("/api/auth/email", json={"email": email}, headers=person.bearer)
    return answer.status_code


async def email_of(process: Process, person: Person) -> str:
    async with process.client() as http:
        return str((await http.get("/api/auth/me", headers=person.bearer)).json()["email"])


def new_address() -> str:
    return f"{secrets.token_hex(6)}@example.com"


async def test_whoever_reads_the_mail_may_chat(start: Start, person: MakePerson) -> None:
    process = await start(unverified_may_chat=False)
    kim = await person(process)
    async with process.client() as http:
        assert (await http.get("/api/chat/probe", headers=kim.bearer)).status_code == 403
        assert await prove(process, await process.mailbox.token(kim.email, VERIFY)) == (200, kim.email)
        assert (await http.get("/api/chat/probe", headers=kim.bearer)).status_code == 200
        assert (await http.get("/api/auth/me", headers=kim.bearer)).json()["email_verified"] is True


async def test_a_link_verifies_once_and_for_a_day(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim, mia = await person(process), await person(process)
    token = await process.mailbox.token(kim.email, VERIFY)
    assert (await prove(process, token))[0] == 200
    assert (await prove(process, token))[0] == 410
    late = await process.mailbox.token(mia.email, VERIFY)
    clock.move(hours=25)
    assert (await prove(process, late))[0] == 410


async def test_the_mail_can_be_asked_for_again_and_strangers_learn_nothing(
    process: Process, person: MakePerson
) -> None:
    kim = await person(process)
    await process.mailbox.token(kim.email, VERIFY)
    answers = []
    for email in (kim.email, new_address()):
        async with process.client() as http:
            answer = await http.post("/api/auth/verification", json={"email": email})
        answers.append((answer.status_code, answer.content))
    assert answers[0] == answers[1]
    assert answers[0][0] == 202
    assert (await prove(process, await process.mailbox.token(kim.email, VERIFY)))[0] == 200


async def test_whoever_registers_a_known_address_is_told_so_by_mail_only(
    process: Process, person: MakePerson
) -> None:
    kim = await person(process)
    async with process.client() as http:
        body = {"email": kim.email, "password": PASSWORD, "name": "Mallory"}
        assert (await http.post("/api/auth/register", json=body)).status_code == 202
    letter = await process.mailbox.letter(kim.email, "You have an account already")
    assert "Mallory" not in letter.text


async def test_a_new_address_counts_when_its_mail_was_read_and_the_old_one_is_told(
    process: Process, person: MakePerson
) -> None:
    kim = await person(process)
    new = new_address()
    assert await ask_to_change(process, kim, new) == 202
    token = await process.mailbox.token(new, CHANGE)
    assert await email_of(process, kim) == kim.email
    assert await prove(process, token) == (200, new)
    assert await email_of(process, kim) == new
    await process.mailbox.letter(kim.email, "Your email address was changed")
    async with process.client() as http:
        assert (await http.post("/api/auth/login", json=kim.credentials)).status_code == 401
        moved = {"email": new, "password": PASSWORD}
        assert (await http.post("/api/auth/login", json=moved)).status_code == 200


async def test_changing_the_address_needs_a_fresh_proof(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim = await person(process)
    clock.move(minutes=16)
    async with process.client() as http:
        said = (await http.post("/api/auth/refresh", json={"refresh_token": kim.refresh_token})).json()
        bearer = {"authorization": f"Bearer {said['access_token']}"}
        refused = await http.post("/api/auth/email", json={"email": new_address()}, headers=bearer)
    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")


async def test_another_persons_address_is_not_taken_and_nobody_learns_of_it(
    process: Process, person: MakePerson
) -> None:
    kim, mia = await person(process), await person(process)
    assert await ask_to_change(process, mia, kim.email) == 202
    token = await process.mailbox.token(kim.email, CHANGE)
    assert (await prove(process, token))[0] == 410
    assert await email_of(process, kim) == kim.email
    assert await email_of(process, mia) == mia.email


async def test_links_to_the_former_address_prove_nothing_any_more(
    process: Process, person: MakePerson, postgres: Postgres
) -> None:
    kim = await person(process)
    former = await process.mailbox.token(kim.email, VERIFY)
    async with process.client() as http:
        await http.post("/api/auth/forgotten-password", json={"email": kim.email})
        reset = await process.mailbox.token(kim.email, "Set a new password")
        new = new_address()
        await ask_to_change(process, kim, new)
        await prove(process, await process.mailbox.token(new, CHANGE))
        assert (await prove(process, former))[0] == 410
        body = {"token": reset, "password": "nine copper kettles in the rain"}
        assert (await http.post("/api/auth/reset-password", json=body)).status_code == 410
    assert await email_of(process, kim) == new


async def test_what_is_no_address_is_refused_by_name(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    async with process.client() as http:
        answer = await http.post("/api/auth/email", json={"email": "nope"}, headers=kim.bearer)
    assert answer.status_code == 422
    assert answer.json()["errors"][0][0] == "email"
