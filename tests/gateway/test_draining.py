"""A gateway that is told to end says so at once, finishes or hands over what it has, and resets nobody."""

import asyncio

import aiohttp
import orjson

from core.settings import Settings
from tests.gateway.client import Engine, Gateway, free_port, listening, until


async def test_readyz_says_503_at_once_and_requests_are_still_answered(
    settings: Settings, gateway: Gateway
) -> None:
    port = free_port()
    async with (
        listening(settings, public_url=gateway.url, metrics_port=port, drain_grace=2) as leaving,
        aiohttp.ClientSession() as client,
    ):
        async with client.get(f"{leaving.url}/readyz") as response:
            assert response.status == 200, await response.text()
        leaving.server.drain()
        for url in (leaving.url, f"http://127.0.0.1:{port}"):
            async with client.get(f"{url}/readyz") as response:
                assert (response.status, (await response.json())["status"]) == (503, "draining")
        # The answer is whole, and says that no other follows on its connection.
        async with client.get(f"{leaving.url}/healthz") as response:
            assert response.status == 200
            assert response.headers["connection"] == "close"
        leaving.server.drain()
        async with client.get(f"{leaving.url}/healthz") as response:
            assert response.status == 200


async def test_a_stream_that_ends_within_the_drain_time_is_whole(
    settings: Settings, gateway: Gateway
) -> None:
    engine = Engine()
    async with listening(settings, public_url=gateway.url, engine=engine, drain_timeout=10) as leaving:
        person = await leaving.person()
        key = await person.key()
        engine.say(*["word "] * 20, pause=0.05)
        body = {"model": "simulated", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
        async with person.http.post(
            "/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}
        ) as response:
            first = await response.content.readuntil(b"\n\n")
            leaving.server.drain()
            rest = await asyncio.wait_for(response.read(), 20)
        assert (first + rest).endswith(b"data: [DONE]\n\n")
        await person.close()


async def test_who_asks_again_on_a_connection_whose_answer_did_not_say_that_it_is_the_last_is_answered(
    settings: Settings, gateway: Gateway
) -> None:
    engine = Engine()
    async with listening(
        settings, public_url=gateway.url, engine=engine, drain_grace=0.05, drain_timeout=10
    ) as leaving:
        person = await leaving.person()
        key = await person.key()
        engine.say(*["word "] * 20, pause=0.05)
        body = {"model": "simulated", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
        async with aiohttp.ClientSession(leaving.url, connector=aiohttp.TCPConnector(limit=1)) as client:
            async with client.post(
                "/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}
            ) as response:
                await response.content.readuntil(b"\n\n")
                leaving.server.drain()
                assert (await response.read()).endswith(b"data: [DONE]\n\n")
            # The listener is closed by now: there is no other way in than this connection.
            async with client.get("/healthz") as response:
                assert (response.status, response.headers["connection"]) == (200, "close")
        await person.close()


async def test_a_stream_that_does_not_end_in_time_ends_with_an_error_that_says_why(
    settings: Settings, gateway: Gateway
) -> None:
    engine = Engine()
    async with listening(settings, public_url=gateway.url, engine=engine, drain_timeout=0.2) as leaving:
        person = await leaving.person()
        key = await person.key()
        engine.say(*["word "] * 2000, pause=0.05)
        body = {"model": "simulated", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
        async with person.http.post(
            "/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}
        ) as response:
            await response.content.readuntil(b"\n\n")
            leaving.server.drain()
            rest = await asyncio.wait_for(response.read(), 20)
        last = rest.removesuffix(b"\n\n").rsplit(b"\n\n", 1)[-1]
        error = orjson.loads(last.removeprefix(b"data: "))["error"]
        assert "restarting" in error["message"]
        await until(lambda: engine.responses[0].closed_early)
        await person.close()


async def test_an_answer_in_one_piece_that_does_not_come_in_time_is_a_503(
    settings: Settings, gateway: Gateway
) -> None:
    engine = Engine()
    async with listening(settings, public_url=gateway.url, engine=engine, drain_timeout=0.2) as leaving:
        person = await leaving.person()
        key = await person.key()
        engine.say(*["word "] * 2000, pause=0.05)
        body = {"model": "simulated", "messages": [{"role": "user", "content": "Hi"}]}
        asking = asyncio.create_task(
            person.call("POST", "/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"})
        )
        await until(lambda: engine.responses != [])
        leaving.server.drain()
        status, answer = await asyncio.wait_for(asking, 20)
        assert (status, answer["error"]["code"]) == (503, "unavailable")
        await person.close()
