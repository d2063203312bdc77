"""Passkeys: the ways in that they are, and what is tried to get past them."""

import asyncio
from typing import Any

import httpx
import pytest

from auth.passkeys.challenges import LIFETIME_SECONDS
from core.keyvalue import KeyValue
from core.postgres import Postgres
from tests.auth.mfa.authenticator import first_step, set_up
from tests.auth.passkeys.soft_key import SoftKey
from tests.auth.process import PUBLIC_URL, MakePerson, MovableClock, Person, Process, Start

HOST = "chat.example.com"


async def post(process: Process, path: str, body: Any = None, by: Person | None = None) -> httpx.Response:
    async with process.client() as http:
        return await http.post(f"/api/auth/{path}", json=body, headers=by.bearer if by else {})


async def options(process: Process, path: str, body: Any = None, by: Person | None = None) -> dict[str, Any]:
    answer = await post(process, f"{path}/options", body, by)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["public_key"]
    return found


async def added(process: Process, person: Person, key: SoftKey | None = None) -> SoftKey:
    """A person's new passkey."""
    key = key or SoftKey(PUBLIC_URL)
    body = {"name": "Laptop", "credential": key.create(await options(process, "passkeys", by=person))}
    answer = await post(process, "passkeys", body, person)
    assert answer.status_code == 201, answer.text
    return key


async def signed_in(process: Process, answer: dict[str, Any]) -> httpx.Response:
    return await post(process, "login/passkey", {"credential": answer})


async def test_a_passkey_alone_opens_the_account_as_two_factors(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    key = await added(process, kim)
    asked = await options(process, "login/passkey")
    assert asked["rpId"] == HOST
    assert asked["userVerification"] == "required"
    assert asked.get("allowCredentials", []) == [], "whoever asks would learn whose passkeys there are"
    answer = await signed_in(process, key.get(asked))
    assert answer.status_code == 200, answer.text
    assert answer.json()["user"]["id"] == kim.user_id
    bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}
    async with process.client() as http:
        sessions = (await http.get("/api/auth/sessions", headers=bearer)).json()["items"]
    assert [item["second_factor"] for item in sessions if item["current"]] == [True]
    await process.mailbox.letter(kim.email, "A passkey was added")


async def test_behind_a_password_it_is_the_second_factor(process: Process, person: MakePerson) -> None:
    kim, mia = await person(process), await person(process)
    key, other = await added(process, kim), await added(process, mia)
    async with process.client() as http:
        step = (await http.post("/api/auth/login", json=kim.credentials)).json()["second_factor"]
    assert step["methods"] == ["passkey"]
    token = {"token": step["token"]}
    asked = await options(process, "login/second-factor/passkey", token)
    assert len(asked["allowCredentials"]) == 1
    foreign = {**token, "credential": other.get(asked)}
    assert (await post(process, "login/second-factor/passkey", foreign)).status_code == 401
    asked = await options(process, "login/second-factor/passkey", token)
    right = {**token, "credential": key.get(asked)}
    assert (await post(process, "login/second-factor/passkey", right)).status_code == 200
    assert (await post(process, "login/second-factor/passkey", right)).status_code == 401


async def test_it_proves_anew_who_one_is(process: Process, person: MakePerson, clock: MovableClock) -> None:
    kim = await person(process)
    key = await added(process, kim)
    clock.move(minutes=16)
    said = (await post(process, "refresh", {"refresh_token": kim.refresh_token})).json()
    kim.access_token = said["access_token"]
    refused = await post(process, "passkeys/options", by=kim)
    assert refused.json()["code"] == "step_up_required"
    asked = await options(process, "step-up/passkey", by=kim)
    answer = await post(process, "step-up", {"passkey": key.get(asked)}, kim)
    assert answer.status_code == 200, answer.text
    kim.access_token = answer.json()["access_token"]
    assert (await post(process, "passkeys/options", by=kim)).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://chat.example.com"},
        {"origin": "https://chat.example.com.evil.example"},
        {"origin": "https://chat.example.com:8443"},
        {"rp_id": "evil.example"},
        {"rp_id": "example.com"},
        {"type": "webauthn.create"},
        {"challenge": "AAAA"},
    ],
)
async def test_answers_of_other_pages_and_to_other_questions_are_refused(
    process: Process, person: MakePerson, changes: dict[str, str]
) -> None:
    kim = await person(process)
    key = await added(process, kim)
    answer = await signed_in(process, key.get(await options(process, "login/passkey"), **changes))
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_passkey")


async def test_a_bad_signature_is_refused(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    key = await added(process, kim)
    forger = SoftKey(PUBLIC_URL, credential_id=key.credential_id, counter=10)
    answer = await signed_in(process, forger.get(await options(process, "login/passkey")))
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_passkey")


async def test_a_challenge_is_answered_once_also_when_two_are_as_fast(
    process: Process, person: MakePerson
) -> None:
    kim = await person(process)
    key = await added(process, kim)
    answer = key.get(await options(process, "login/passkey"))
    answers = await asyncio.gather(*(signed_in(process, answer) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]


async def test_a_challenge_is_for_its_act_only(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    key = await added(process, kim)
    step_up = key.get(await options(process, "step-up/passkey", by=kim))
    assert (await signed_in(process, step_up)).status_code == 401
    add = await options(process, "passkeys", by=kim)
    sign_in = key.get({"challenge": add["challenge"], "rpId": HOST})
    assert (await signed_in(process, sign_in)).status_code == 401
    assert 0 < LIFETIME_SECONDS <= 600


async def test_a_passkey_that_has_not_seen_its_owner_is_refused(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    key = await added(process, kim)
    key.verified = False
    answer = await signed_in(process, key.get(await options(process, "login/passkey")))
    assert answer.status_code == 401
    blind = SoftKey(PUBLIC_URL, verified=False)
    body = {"name": "x", "credential": blind.create(await options(process, "passkeys", by=kim))}
    assert (await post(process, "passkeys", body, kim)).status_code == 401


async def test_a_copied_passkey_is_found_by_its_counter(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    key = await added(process, kim)
    key.counter = 10
    assert (await signed_in(process, key.get(await options(process, "login/passkey")))).status_code == 200
    copy = SoftKey(PUBLIC_URL, counter=5, credential_id=key.credential_id, key=key.key)
    answer = await signed_in(process, copy.get(await options(process, "login/passkey")))
    assert answer.status_code == 401
    refused = await process.auth.audit.page(_refused(), before=None, limit=1)
    assert refused[0].actor == kim.user_id


async def test_passkeys_that_do_not_count_sign_in_again_and_again(
    process: Process, person: MakePerson
) -> None:
    kim = await person(process)
    key = await added(process, kim)
    for _ in range(3):
        key.counter = -1
        assert (await signed_in(process, key.get(await options(process, "login/passkey")))).status_code == 200


async def test_another_persons_question_cannot_be_answered_by_adding_a_passkey(
    process: Process, person: MakePerson
) -> None:
    kim, mia = await person(process), await person(process)
    asked = await options(process, "passkeys", by=kim)
    body = {"name": "x", "credential": SoftKey(PUBLIC_URL).create(asked)}
    assert (await post(process, "passkeys", body, mia)).status_code == 401


async def test_a_passkey_is_kept_once_and_there_are_not_too_many(
    process: Process, person: MakePerson, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    kim, mia = await person(process), await person(process)
    key = await added(process, kim)
    body = {"name": "x", "credential": key.create(await options(process, "passkeys", by=mia))}
    assert (await post(process, "passkeys", body, mia)).status_code == 409
    monkeypatch.setattr("auth.passkeys.repository.MOST_PASSKEYS", 1)
    body = {"name": "x", "credential": SoftKey(PUBLIC_URL).create(await options(process, "passkeys", by=kim))}
    assert (await post(process, "passkeys", body, kim)).status_code == 409


async def test_one_lists_and_removes_ones_own(process: Process, person: MakePerson) -> None:
    kim, mia = await person(process), await person(process)
    key = await added(process, kim)
    async with process.client() as http:
        (item,) = (await http.get("/api/auth/passkeys", headers=kim.bearer)).json()["items"]
        assert item["name"] == "Laptop"
        assert "public_key" not in str(item)
        path = f"/api/auth/passkeys/{item['id']}"
        assert (await http.delete(path, headers=mia.bearer)).status_code == 404
        assert (await http.delete(path, headers=kim.bearer)).status_code == 204
        assert (await http.delete(path, headers=kim.bearer)).status_code == 404
    assert (await signed_in(process, key.get(await options(process, "login/passkey")))).status_code == 401
    await process.mailbox.letter(kim.email, "A passkey was removed")


async def test_the_last_factor_stays_while_the_password_is_short(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim = await person(process)
    await added(process, kim)
    change = {"current_password": kim.password, "password": "tulip-72"}
    assert (await post(process, "password", change, kim)).status_code == 200
    async with process.client() as http:
        (item,) = (await http.get("/api/auth/passkeys", headers=kim.bearer)).json()["items"]
        path = f"/api/auth/passkeys/{item['id']}"
        assert (await http.delete(path, headers=kim.bearer)).status_code == 409
        await set_up(process, kim, clock)
        assert (await http.delete(path, headers=kim.bearer)).status_code == 204


async def test_recovery_codes_stand_in_for_a_lost_passkey(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    await added(process, kim)
    made = await post(process, "second-factor/recovery-codes", by=kim)
    assert made.status_code == 200
    token = await first_step(process, kim)
    body = {"token": token, "code": made.json()["recovery_codes"][0]}
    assert (await post(process, "login/second-factor", body)).status_code == 200


async def test_a_disabled_account_is_not_opened(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    key = await added(process, kim)
    await process.auth.accounts.set_active(kim.email, active=False)
    assert (await signed_in(process, key.get(await options(process, "login/passkey")))).status_code == 401


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"response": {}},
        {"response": {"clientDataJSON": "%%%"}},
        {"response": {"clientDataJSON": "e30"}},
        {"response": {"clientDataJSON": 5}},
        {"response": {"clientDataJSON": "W10"}, "rawId": "AA"},
        {"response": {str(number): "" for number in range(40)}},
        {"response": "x"},
    ],
)
async def test_what_is_no_answer_is_refused(process: Process, answer: dict[str, Any]) -> None:
    assert (await signed_in(process, answer)).status_code in (401, 422)


async def test_garbage_behind_a_right_challenge_is_refused(
    process: Process, person: MakePerson, keyvalue: KeyValue
) -> None:
    kim = await person(process)
    key = await added(process, kim)
    for part in ("authenticatorData", "signature", "clientDataJSON"):
        for garbage in ("", "AA", "AAAA" * 40, None, 7):
            answer = key.get(await options(process, "login/passkey"))
            answer["response"][part] = garbage
            said = await signed_in(process, answer)
            assert said.status_code in (401, 422), (part, garbage, said.text)
    for part in ("attestationObject", "clientDataJSON"):
        for garbage in ("", "AA", "o2Nm", None, 7):
            made = SoftKey(PUBLIC_URL).create(await options(process, "passkeys", by=kim))
            made["response"][part] = garbage
            said = await post(process, "passkeys", {"name": "x", "credential": made}, kim)
            assert said.status_code in (401, 422), (part, garbage, said.text)


def _refused() -> Any:
    from auth.audit.repository import Wanted

    return Wanted(action="passkey.tried")


async def test_questions_that_nobody_answers_are_bounded(start: Start) -> None:
    process = await start(logins_per_minute=2)
    statuses = []
    for _ in range(14):
        async with process.client(address="203.0.113.200") as http:
            statuses.append((await http.post("/api/auth/login/passkey/options")).status_code)
    assert statuses == [200] * 12 + [429] * 2
