"""Health: it lives, it can do its work, and if not, because of what."""

import asyncio

import aiohttp
import pytest

from core.errors import Unavailable
from core.settings import Settings
from gateway.readiness import ReadinessChecks
from tests.gateway.client import Gateway, free_port, listening, until


async def ready(gateway: Gateway) -> tuple[int, dict[str, object]]:
    async with aiohttp.ClientSession(gateway.url) as client, client.get("/readyz") as response:
        return response.status, await response.json()


async def test_a_gateway_that_has_everything_is_ready(gateway: Gateway) -> None:
    await until(lambda: gateway.house.readiness._states() == {"simulated": "ready"})
    assert await ready(gateway) == (
        200,
        {
            "status": "ready",
            "dependencies": {"postgres": "ok", "valkey": "ok", "ray": "ok"},
            "models": {"simulated": "ready"},
        },
    )


async def test_the_dependency_that_fails_is_named(gateway: Gateway) -> None:
    gateway.control.away = True
    status, report = await ready(gateway)
    assert (status, report["status"]) == (503, "not ready")
    assert report["dependencies"] == {
        "postgres": "ok",
        "valkey": "ok",
        "ray": "The serving side is not answering.",
    }


async def test_a_dependency_that_hangs_is_named_and_does_not_hang_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.readiness.CHECK_SECONDS", 0.05)

    async def hangs() -> None:
        await asyncio.sleep(60)

    async def refuses() -> None:
        raise Unavailable("It is away.")

    async def answers() -> None:
        return None

    checks = ReadinessChecks({"a": hangs, "b": refuses, "c": answers}, dict)
    well, report = await checks.look()
    assert not well
    assert report["dependencies"] == {"a": "It does not answer in time.", "b": "It is away.", "c": "ok"}


async def test_a_process_that_is_going_away_says_so() -> None:
    checks = ReadinessChecks({}, dict)
    assert (await checks.look())[0]
    checks.drain()
    assert await checks.look() == (False, {"status": "draining", "dependencies": {}, "models": {}})


async def test_it_lives_whatever_else_is_away(gateway: Gateway) -> None:
    gateway.control.away = True
    async with aiohttp.ClientSession(gateway.url) as client, client.get("/healthz") as response:
        assert (response.status, await response.json()) == (200, {"status": "ok"})


async def test_metrics_are_on_the_internal_listener_only(settings: Settings, gateway: Gateway) -> None:
    port = free_port()
    async with listening(settings, metrics_port=port) as measured, aiohttp.ClientSession() as client:
        async with client.get(f"http://127.0.0.1:{port}/metrics") as response:
            assert response.status == 200
            assert "headrace_http_requests_total" in await response.text()
        async with client.get(f"http://127.0.0.1:{port}/healthz") as response:
            assert response.status == 200
        async with client.get(f"http://127.0.0.1:{port}/readyz") as response:
            assert (await response.json())["dependencies"]["postgres"] == "ok"
        for path in ("/metrics", "/api/metrics", "/metrics/"):
            async with client.get(measured.url + path) as response:
                assert response.status in (404, 503)
                assert "headrace_" not in await response.text()
