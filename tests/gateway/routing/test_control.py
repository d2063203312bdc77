"""HttpControl against a real server: orders, refusals, garbage, silence."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from core.errors import Unavailable
from gateway.routing import control as module
from gateway.routing.control import Application, DeployRefused, HttpControl
from gateway.routing.queues import ReplicaQueue
from gateway.routing.tables import State
from tests.gateway.routing.conftest import spec

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ServingSide:
    """A server that answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answer: Handler | None = None
        self.asked: list[tuple[str, str, str, bytes]] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        authorization = request.headers.get("authorization", "")
        self.asked.append((request.method, request.path, authorization, await request.read()))
        assert self.answer is not None
        return await self.answer(request)

    def says(self, status: int, body: bytes = b"") -> None:
        async def answer(_: web.Request) -> web.StreamResponse:
            return web.Response(status=status, body=body)

        self.answer = answer


@pytest.fixture
async def serving() -> AsyncIterator[tuple[ServingSide, HttpControl]]:
    side = ServingSide()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", side.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    control = HttpControl(f"http://127.0.0.1:{port}", "internal")
    await control.start()
    yield side, control
    await control.stop()
    await runner.cleanup()


Serving = tuple[ServingSide, HttpControl]


async def test_applications_are_read(serving: Serving) -> None:
    side, control = serving
    side.says(
        200,
        b'{"apps":[{"model":"m","revision":"r1","state":"ready","message":"","replicas":2,"more":1},'
        b'{"model":"n","revision":"r2","state":"failed","message":"no GPU"}]}',
    )
    assert list(await control.applications()) == [
        Application("m", "r1", State.READY, "", 2),
        Application("n", "r2", State.FAILED, "no GPU"),
    ]
    assert side.asked == [("GET", "/control/apps", "Bearer internal", b"")]


async def test_queues_are_read(serving: Serving) -> None:
    side, control = serving
    side.says(
        200,
        b'{"replicas":[{"model":"m","revision":"r1","running":2,"waiters":3,"waiting":["trn_1","api_2"],"x":1}]}',
    )
    assert list(await control.queues()) == [ReplicaQueue("m", "r1", 2, 3, ["trn_1", "api_2"])]
    assert side.asked == [("GET", "/control/queue", "Bearer internal", b"")]
    for status, garbage in ((200, b'{"replicas":[{"model":"m"}]}'), (200, b"<html>"), (404, b"{}")):
        side.says(status, garbage)
        with pytest.raises(Unavailable):
            await control.queues()


async def test_a_deploy_sends_the_specification(serving: Serving) -> None:
    side, control = serving
    side.says(202, b'{"state":"starting"}')
    wanted = spec("m", "r7")
    await control.deploy(wanted)
    method, path, authorization, body = side.asked[0]
    assert (method, path, authorization) == ("PUT", "/control/apps/m/r7", "Bearer internal")
    assert type(wanted).model_validate_json(body) == wanted


async def test_a_refused_deploy_says_why(serving: Serving) -> None:
    side, control = serving
    side.says(422, b'{"error":{"message":"resources.gpus is 9.","field":"resources.gpus"}}')
    with pytest.raises(DeployRefused, match=r"resources\.gpus is 9"):
        await control.deploy(spec())
    for garbage in (b"", b"<html>", b"[]", b'{"error":"x"}', b'{"error":null}'):
        side.says(422, garbage)
        with pytest.raises(DeployRefused, match="without a reason"):
            await control.deploy(spec())


async def test_a_retire_of_what_is_gone_is_done(serving: Serving) -> None:
    side, control = serving
    for status in (202, 404):
        side.says(status)
        await control.retire("m", "r1")
    assert side.asked[0][:2] == ("DELETE", "/control/apps/m/r1")
    side.says(500)
    with pytest.raises(Unavailable):
        await control.retire("m", "r1")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b""),
        (401, b'{"apps":[]}'),
        (302, b""),
        (200, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"apps":{}}'),
        (200, b'{"apps":[{"model":"m"}]}'),
        (200, b'{"apps":[{"model":"m","revision":"r1","state":"dancing"}]}'),
        (200, b"\xff"),
    ],
)
async def test_an_answer_that_makes_no_sense_is_no_answer(serving: Serving, status: int, body: bytes) -> None:
    side, control = serving
    side.says(status, body)
    with pytest.raises(Unavailable):
        await control.applications()


async def test_silence_has_a_deadline(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    side, control = serving
    await control.stop()
    monkeypatch.setattr(module, "DEADLINE_SECONDS", 0.2)
    await control.start()

    async def silent(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(5)
        return web.Response()

    side.answer = silent
    with pytest.raises(Unavailable):
        await asyncio.wait_for(control.applications(), 4)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(control.deploy(spec()), 4)


async def test_nobody_listening_is_unavailable_and_so_is_a_closed_connection() -> None:
    control = HttpControl("http://127.0.0.1:9", "internal")
    with pytest.raises(Unavailable):
        await control.applications()
    await control.start()
    with pytest.raises(Unavailable):
        await control.applications()
    await control.stop()
    await control.stop()
