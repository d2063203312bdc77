"""What somebody does who looks after models, over HTTP."""

import asyncio
from typing import Any

from tests.gateway.client import Person


def spec(name: str, revision: str = "r1", **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "revision": revision,
        "title": "Model",
        "engine": "simulated",
        "context_window": 1024,
        "max_output_tokens": 256,
        **changes,
    }


async def add(operator: Person, name: str, revision: str = "r1", **changes: Any) -> dict[str, Any]:
    status, made = await operator.call(
        "POST", "/api/admin/models", json={"spec": spec(name, revision, **changes)}
    )
    assert status == 201, made
    return dict(made)


async def ready(operator: Person, name: str, revision: str) -> dict[str, Any]:
    """The revision, deployed and ready."""
    status, _ = await operator.call("POST", f"/api/admin/models/{name}/{revision}/deploy")
    assert status == 202
    return await until(operator, name, revision, state="ready")


async def until(operator: Person, name: str, revision: str, **wanted: Any) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            _, listed = await operator.call("GET", "/api/admin/models")
            for row in listed["items"]:
                if (row["name"], row["revision"]) == (name, revision) and wanted.items() <= row.items():
                    return dict(row)
            await asyncio.sleep(0.1)
