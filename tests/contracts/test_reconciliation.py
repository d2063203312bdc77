"""Gateway, ledger and the simulated engine behind its guard: the books agree however answers end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import msgspec
import orjson
import uvicorn

from core.postgres import Postgres
from core.settings import Settings
from gateway.parts import make_inference
from gateway.routing.fake import FakeControl
from gateway.usage.engines import EngineReport
from serve.guard import Guard
from serve.meter import Meter
from serve.reporter import Reporter
from serve.simulated import SimulatedEngine
from serve.simulated_request import Pace
from serve.standalone import SIMULATED_ROUTES, below_prefix
from serve.usage_board import UsageBoard
from tests.gateway.client import MODEL, Gateway, Person, free_port, listening, until


class BoardControl(FakeControl):
    """Control whose usage is a real board, read as it is on the wire."""

    def __init__(self, board: UsageBoard) -> None:
        super().__init__()
        self._board = board

    async def usage(self, epoch: str, after: int) -> EngineReport:
        return msgspec.json.decode(orjson.dumps(self._board.show(epoch, after)), type=EngineReport)


@dataclass
class Served:
    """A gateway and what stands behind it."""

    gateway: Gateway
    engine: SimulatedEngine
    reporter: Reporter

    async def reconcile(self) -> None:
        house = self.gateway.house
        await until(lambda: self.engine.stats["running"] == 0 and not house.background._tasks)
        await house.booking.flush()
        await self.reporter.step()
        await house.ledger_reconciler.step()


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[Served]:
    port = free_port()
    mine = settings.model_copy(update={"serve_url": f"http://127.0.0.1:{port}"})
    engine = SimulatedEngine(model=MODEL, window=8192, limit=4096, pace=Pace(0.0, 4.0))
    meter = Meter("simulated--r1#test", MODEL, "r1")
    board = UsageBoard()

    async def tell(raw: bytes) -> str:
        return board.take(raw)

    app = below_prefix(
        Guard(engine, mine.internal_token.get_secret_value(), "test", SIMULATED_ROUTES, meter=meter)
    )
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        async with listening(mine, inference=make_inference(mine), control=BoardControl(board)) as gateway:
            await until(lambda: any(route.target for route in gateway.house.routes.routes()))
            yield Served(gateway, engine, Reporter(meter, tell))
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, 30)


async def leave_early(gateway: Gateway, person: Person, key: str, *, stream: bool, content: str) -> None:
    """An API request whose caller hangs up while the engine writes."""
    async with aiohttp.ClientSession(gateway.url, headers={"Authorization": f"Bearer {key}"}) as http:
        asking = asyncio.create_task(
            http.post(
                "/v1/chat/completions",
                json={"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": content}]},
            )
        )
        if stream:
            response = await asking
            await response.content.readany()
            response.close()
        else:
            await asyncio.sleep(0.4)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)


async def totals(database: Postgres, person: Person) -> tuple[int, int, int]:
    """Prompt and completion with their overhead, and entries that are no more than an estimate."""
    row = await database.fetchrow(
        "SELECT sum(prompt_tokens + overhead_prompt_tokens) AS prompt, "
        "sum(completion_tokens + overhead_completion_tokens) AS completion, "
        "count(*) FILTER (WHERE NOT exact) AS estimated FROM ledger_entries WHERE user_id = $1",
        person.id,
    )
    assert row is not None
    return row["prompt"], row["completion"], row["estimated"]


async def test_the_ledger_equals_the_engines_counters_however_answers_end(
    settings: Settings,
) -> None:
    async with served(settings) as here:
        gateway, stats = here.gateway, here.engine.stats
        database = gateway.house.postgres
        person = await gateway.person()
        key = await person.key()
        conversation = await person.conversation()
        await person.ask(conversation, "Tell me something")
        turn = await person.begin(conversation, "[[long]] and now at length")
        await person.begun_to_write(turn)
        await person.call("POST", f"/api/turns/{turn}/stop")
        await person.follow(turn)
        await person.ask(await person.conversation(), "[[fail]] please")
        headers = {"Authorization": f"Bearer {key}"}
        async with aiohttp.ClientSession(gateway.url, headers=headers) as http:
            for body in (
                {"stream": False, "max_tokens": 9},
                {"stream": True},
                {"stream": False, "messages": [{"role": "user", "content": "[[fail]] now"}]},
                {"stream": True, "messages": [{"role": "user", "content": "[[fail]] now"}]},
            ):
                message = {"role": "user", "content": "Hello there"}
                async with http.post(
                    "/v1/chat/completions", json={"model": MODEL, "messages": [message], **body}
                ) as response:
                    await response.read()
        for stream in (True, False):
            await leave_early(gateway, person, key, stream=stream, content="[[long]] until I leave")
        await here.reconcile()
        prompt, completion, estimated = await totals(database, person)
        assert (prompt, completion) == (stats["prompt_tokens"], stats["completion_tokens"])
        assert estimated == 0
        assert stats["cancelled"] == 3
        used = await database.fetchval(
            "SELECT used FROM usage_periods WHERE subject = $1 AND period = 'day'", person.id
        )
        charged = await database.fetchval(
            "SELECT sum(prompt_tokens + completion_tokens) FROM ledger_entries WHERE user_id = $1", person.id
        )
        assert used == charged
        await person.close()
