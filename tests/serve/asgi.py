"""Call an ASGI application the way a server does, in the test's own loop."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import orjson

from serve.guard import Application, Message

TOKEN = "t" * 40


@dataclass
class Answered:
    """What an application sent."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)
    finished: bool = False

    @property
    def body(self) -> bytes:
        return b"".join(self.parts)

    def json(self) -> Any:
        return orjson.loads(self.body)

    def header(self, name: str) -> str | None:
        found = [value.decode() for key, value in self.headers if key.decode() == name]
        assert len(found) <= 1, f"{name} is there {len(found)} times"
        return found[0] if found else None

    def events(self) -> list[Any]:
        """The payloads of a stream; `[DONE]` as text."""
        payloads = [
            frame.removeprefix("data: ") for frame in self.body.decode().split("\n\n") if frame.strip()
        ]
        return [text if text == "[DONE]" else orjson.loads(text) for text in payloads]

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.parts.append(message.get("body", b""))
            self.finished = not message.get("more_body", False)


async def call(
    app: Application,
    method: str,
    path: str,
    body: object = b"",
    *,
    headers: dict[str, str] | None = None,
    prefix: str = "",
    leave: asyncio.Event | None = None,
    answered: Answered | None = None,
) -> Answered:
    """One request. `leave` makes the caller hang up when it is set; without it the caller stays."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    answered = answered or Answered()
    half = len(raw) // 2
    pieces = [raw[:half], raw[half:]]

    async def receive() -> Message:
        if pieces:
            return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}
        await (leave or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "method": method,
        "path": prefix + path,
        "root_path": prefix,
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
    }
    await asyncio.wait_for(app(scope, receive, answered.send), 30)
    return answered
