"""The signing keys are changed while people are signed in."""

from pathlib import Path

import pytest

from auth.sessions.key_rotation import add_next_key, sign_with_next_key, withdraw_old_keys
from auth.sessions.signing_keys import Keyring, create_signing_key
from core.errors import Conflict, SigningKeyUnusable
from tests.auth.process import MakePerson, Start


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "signing-key.pem"
    create_signing_key(path)
    return path


def kids(path: Path) -> list[str]:
    keyring = Keyring(path)
    keyring.load()
    assert keyring.current.kid == keyring.jwks()["keys"][-1]["kid"]
    return [keyring.current.kid, *(jwk["kid"] for jwk in keyring.jwks()["keys"][:-1])]


async def test_nobody_notices_a_rotation(start: Start, person: MakePerson, key_file: Path) -> None:
    here, there = [await start(signing_key_file=key_file) for _ in range(2)]
    kim = await person(here)

    async def works(bearer: dict[str, str]) -> None:
        for process in (here, there):
            async with process.client() as http:
                assert (await http.get("/api/probe", headers=bearer)).status_code == 200

    async def sign_in() -> dict[str, str]:
        async with here.client() as http:
            said = (await http.post("/api/auth/login", json=kim.credentials)).json()
        return {"authorization": f"Bearer {said['access_token']}"}

    before = await sign_in()
    (old,) = kids(key_file)
    add_next_key(key_file)
    # One process has read the file again, the other is late: what the one signs the other knows.
    here.auth._upkeep.follow_keys()
    await works(before)
    await works(await sign_in())
    there.auth._upkeep.follow_keys()
    sign_with_next_key(key_file)
    here.auth._upkeep.follow_keys()
    after = await sign_in()
    await works(after)
    there.auth._upkeep.follow_keys()
    await works(before)
    async with there.client() as http:
        refreshed = await http.post("/api/auth/refresh", json={"refresh_token": kim.refresh_token})
        assert refreshed.status_code == 200
        published = (await http.get("/.well-known/jwks.json")).json()["keys"]
    assert {key["kid"] for key in published} == set(kids(key_file))
    assert old in kids(key_file)[1:]
    assert withdraw_old_keys(key_file) == 1
    for process in (here, there):
        process.auth._upkeep.follow_keys()
        async with process.client() as http:
            assert (await http.get("/api/probe", headers=before)).status_code == 401
    await works(after)


def test_the_next_rotation_drops_what_is_older(key_file: Path) -> None:
    first = kids(key_file)[0]
    for _ in range(2):
        add_next_key(key_file)
        sign_with_next_key(key_file)
    assert len(kids(key_file)) == 2
    assert first not in kids(key_file)
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_without_a_next_key_nothing_changes(key_file: Path) -> None:
    before = key_file.read_bytes()
    with pytest.raises(Conflict):
        sign_with_next_key(key_file)
    assert withdraw_old_keys(key_file) == 0
    assert key_file.read_bytes() == before


def test_what_is_no_key_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for path in (tmp_path / "empty", tmp_path / "missing"):
        with pytest.raises(SigningKeyUnusable, match=path.name):
            add_next_key(path)
