import secrets

import pytest

from auth.command_line import accounts_for_command_line
from auth.principal import Role
from core.errors import Conflict, NotFound, WeakPassword
from core.postgres import Postgres
from core.settings import Registration, Settings
from tests.auth.process import PASSWORD, MakePerson, Process, Start


def new_address() -> str:
    return f"{secrets.token_hex(6)}@example.com"


async def test_the_answer_and_the_work_are_the_same_for_a_new_and_a_known_address(
    process: Process, person: MakePerson
) -> None:
    known = await person(process)
    answers = []
    for email in (new_address(), known.email, known.email.upper()):
        process.hasher.calls = 0
        async with process.client() as http:
            answer = await http.post(
                "/api/auth/register", json={"email": email, "password": PASSWORD, "name": "Kim Park"}
            )
        answers.append((answer.status_code, answer.content, sorted(answer.headers)))
        assert process.hasher.calls == 1
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 202


async def test_registering_again_does_not_change_the_account(process: Process, person: MakePerson) -> None:
    known = await person(process)
    async with process.client() as http:
        other = {"email": known.email, "password": "another fine password here", "name": "Mallory"}
        await http.post("/api/auth/register", json=other)
        refused = await http.post(
            "/api/auth/login", json={"email": known.email, "password": other["password"]}
        )
        assert refused.status_code == 401
        admitted = await http.post("/api/auth/login", json=known.credentials)
    assert admitted.json()["user"]["name"] == known.name


async def test_a_common_password_is_refused_with_the_field_and_the_reason(process: Process) -> None:
    async with process.client() as http:
        body = {"email": new_address(), "password": "passwordpassword", "name": "Kim"}
        answer = await http.post("/api/auth/register", json=body)
    assert answer.status_code == 422
    assert answer.json()["code"] == "weak_password"
    assert answer.json()["errors"][0][0] == "password"


@pytest.mark.parametrize(
    "extra", [{"role": "admin"}, {"user_id": "usr_1"}, {"status": "active"}, {"id": "x"}]
)
async def test_nobody_gives_themselves_a_role_or_an_id(process: Process, extra: dict[str, str]) -> None:
    email = new_address()
    async with process.client() as http:
        body = {"email": email, "password": PASSWORD, "name": "Kim", **extra}
        assert (await http.post("/api/auth/register", json=body)).status_code == 422
        login = await http.post("/api/auth/login", json={"email": email, "password": PASSWORD})
    assert login.status_code == 401


@pytest.mark.parametrize(
    "email",
    ["", "kim", "kim@", "@example.com", "kim@exa mple.com", "kim\x00@example.com", "a@b@c", "x" * 300],
)
async def test_what_is_no_address_is_refused(process: Process, email: str) -> None:
    async with process.client() as http:
        answer = await http.post(
            "/api/auth/register", json={"email": email, "password": PASSWORD, "name": "Kim"}
        )
    assert answer.status_code == 422


@pytest.mark.parametrize("name", ["", "   ", "a\x00b", "line\nbreak", "x" * 101, "turn\u202earound"])
async def test_names_that_could_mislead_are_refused(process: Process, name: str) -> None:
    async with process.client() as http:
        answer = await http.post(
            "/api/auth/register", json={"email": new_address(), "password": PASSWORD, "name": name}
        )
    assert answer.status_code == 422


@pytest.mark.parametrize("registration", [Registration.CLOSED, Registration.INVITE])
async def test_registration_that_is_not_open_is_refused_for_everybody(
    start: Start, person: MakePerson, registration: Registration
) -> None:
    known = await person(await start())
    closed = await start(registration=registration)
    async with closed.client() as http:
        for email in (known.email, new_address()):
            answer = await http.post(
                "/api/auth/register", json={"email": email, "password": PASSWORD, "name": "Kim"}
            )
            assert answer.status_code == 403
            assert answer.json()["code"] == "registration_closed"


async def test_a_fresh_install_has_no_account_and_no_default_password(process: Process) -> None:
    async with process.client() as http:
        for email in ("admin", "admin@example.com", "admin@localhost", "root@localhost", "headrace"):
            for password in ("admin", "password", "headrace", "changeme", ""):
                answer = await http.post("/api/auth/login", json={"email": email, "password": password})
                assert answer.status_code == 401


async def test_the_command_line_makes_an_administrator_who_can_sign_in(
    process: Process, auth_settings: Settings
) -> None:
    email = new_address()
    async with accounts_for_command_line(auth_settings) as accounts:
        await accounts.create_admin(email, PASSWORD, "Root")
        with pytest.raises(Conflict, match="set-role"):
            await accounts.create_admin(email, PASSWORD, "Root")
        with pytest.raises(WeakPassword):
            await accounts.create_admin(new_address(), "short", "Root")
        with pytest.raises(NotFound):
            await accounts.set_role(new_address(), Role.ADMIN)
    async with process.client() as http:
        login = await http.post("/api/auth/login", json={"email": email, "password": PASSWORD})
        assert login.json()["user"]["role"] == "admin"
        bearer = {"authorization": f"Bearer {login.json()['access_token']}"}
        assert (await http.get("/api/admin/probe", headers=bearer)).status_code == 200


async def test_passwords_are_stored_as_argon2id_and_nowhere_else(
    process: Process, person: MakePerson, postgres: Postgres
) -> None:
    kim = await person(process)
    row = await postgres.fetchrow("SELECT * FROM users WHERE id = $1", kim.user_id)
    assert row is not None
    assert row["password_hash"].startswith("$argon2id$")
    assert kim.password not in str(dict(row))
