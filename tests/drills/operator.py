"""Somebody who looks after models, in a drill."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from core.postgres import Postgres
from tests.drills.follower import person_at
from tests.drills.instance import Instance
from tests.gateway.client import Person

AT_ONCE = {"steps": [100], "seconds": 0, "min_requests": 0, "patience_seconds": 0}


class Operator:
    """A person with the role, and one model of the drill's own."""

    def __init__(self, person: Person, model: str) -> None:
        self.person = person
        self.model = model

    async def call(self, method: str, path: str, **more: Any) -> Any:
        status, body = await self.person.call(method, path, **more)
        assert status < 300, body
        return body

    async def add(self, revision: str, **changes: Any) -> None:
        spec = {
            "name": self.model,
            "revision": revision,
            "title": "Under drill",
            "engine": "simulated",
            "context_window": 8192,
            "max_output_tokens": 4096,
            "replicas": {"target_ongoing_requests": 256, "max_ongoing_requests": 2048},
            "resources": {"cpus": 0.1},
            "simulated": {"ttft_ms": 20, "token_ms": 60},
            **changes,
        }
        await self.call("POST", "/api/admin/models", json={"spec": spec})

    async def deploy(self, revision: str, replicas: int = 1) -> None:
        """Returns when so many replicas of it are ready."""
        await self.call("POST", f"/api/admin/models/{self.model}/{revision}/deploy")
        async with asyncio.timeout(240):
            while (row := await self.revision(revision))["state"] != "ready" or row["replicas"] < replicas:
                assert row["state"] != "failed", row["detail"]
                await asyncio.sleep(0.3)

    async def revision(self, revision: str) -> dict[str, Any]:
        listed = await self.call("GET", "/api/admin/models")
        (found,) = [
            row for row in listed["items"] if (row["name"], row["revision"]) == (self.model, revision)
        ]
        return dict(found)

    async def promote(self, revision: str) -> dict[str, Any]:
        """Move all of the traffic at once; the receipt, when the old revision is gone."""
        begun = await self.call(
            "POST",
            f"/api/admin/models/{self.model}/promote",
            json={"revision": revision, "plan": AT_ONCE},
        )
        async with asyncio.timeout(300):
            while True:
                row = await self.call("GET", f"/api/admin/promotions/{begun['id']}")
                if row["receipt"] is not None:
                    break
                await asyncio.sleep(0.3)
        assert row["state"] == "promoted", row
        return dict(row["receipt"])

    async def clear(self) -> None:
        """Take down whatever runs of the model."""
        for row in (await self.call("GET", "/api/admin/models"))["items"]:
            if row["name"] == self.model and row["desired"] == "serving":
                await self.call(
                    "POST",
                    f"/api/admin/models/{self.model}/{row['revision']}/retire",
                    json={"force": True},
                )


@asynccontextmanager
async def operating(instance: Instance, database: Postgres, model: str) -> AsyncIterator[Operator]:
    """An operator of `model`, of which nothing runs any more afterwards."""
    person = await person_at(instance.url)
    try:
        await database.execute("UPDATE users SET role = 'operator' WHERE id = $1", person.id)
        operator = Operator(person, model)
        try:
            yield operator
        finally:
            await operator.clear()
    finally:
        await person.close()


async def can_be_asked(person: Person, model: str) -> None:
    """Every gateway knows of the model; each new connection may reach another one."""
    async with asyncio.timeout(30):
        known = 0
        while known < 8:
            status, models = await person.call("GET", "/api/models", headers={"Connection": "close"})
            assert status == 200
            ready = any(item["name"] == model and item["state"] == "ready" for item in models["items"])
            known = known + 1 if ready else 0
            await asyncio.sleep(0.2)
