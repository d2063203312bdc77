import logging
import secrets

import pytest

from tests.auth.process import Process


async def test_no_password_token_or_key_is_ever_logged(
    process: Process, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    password = f"canary {secrets.token_hex(12)} bird"
    email = f"{secrets.token_hex(6)}@example.com"
    credentials = {"email": email, "password": password}
    async with process.client() as http:
        await http.post("/api/auth/register", json={**credentials, "name": "Kim"})
        await http.post("/api/auth/register", json={**credentials, "name": "Kim\x00"})
        await http.post("/api/auth/login", json={**credentials, "password": password + "!"})
        said = (await http.post("/api/auth/login", json=credentials)).json()
        bearer = {"authorization": f"Bearer {said['access_token']}"}
        key = (await http.post("/api/keys", json={"name": "k"}, headers=bearer)).json()["key"]
        ticket = (await http.post("/api/events/ticket", headers=bearer)).json()["ticket"]
        await http.get("/v1/probe", headers={"authorization": f"Bearer {key}"})
        await http.get("/v1/probe", headers={"authorization": f"Bearer {key}x"})
        await http.get("/api/auth/me", headers={"authorization": f"Bearer {said['access_token']}x"})
        next_said = (
            await http.post("/api/auth/refresh", json={"refresh_token": said["refresh_token"]})
        ).json()
        await http.post("/api/auth/refresh", json={"refresh_token": said["refresh_token"] + "x"})
        await http.post("/api/auth/logout", headers=bearer)
    captured = capfd.readouterr()
    written = captured.out + captured.err + caplog.text
    assert "auth.session_opened" in written
    for secret in (
        password,
        said["access_token"],
        said["refresh_token"],
        next_said["access_token"],
        next_said["refresh_token"],
        key,
        ticket,
    ):
        assert secret not in written
