"""A deterministic engine with vLLM's HTTP surface, for tests and load tests.

It runs as a Serve deployment (app.py) and alone, without Ray: `python -m serve.simulated --port 9000`.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson

from serve.guard import Message, Receive, Scope, Send, error_body, relative_path
from serve.meter import USAGE, Watched
from serve.simulated_request import Pace, Refused, Request, parse_json, parse_prompt, parse_request
from serve.simulated_text import Answer, compose, token_id, tokenise

MAX_BODY_BYTES = 32 * 1024 * 1024
_DONE = b"data: [DONE]\n\n"
_PACE_HEADER = b"x-headrace-simulated"


class SimulatedEngine:
    """The ASGI application.

    Besides the engine's routes it answers `GET /stats`: requests started, running, cancelled and failed, and
    the tokens of all prompts and answers, as they were at that moment.
    """

    def __init__(self, *, model: str | None, window: int, limit: int, pace: Pace, seed: int = 0) -> None:
        self._model, self._window, self._limit, self._pace, self._seed = model, window, limit, pace, seed
        self.stats = {
            "requests": 0,
            "running": 0,
            "cancelled": 0,
            "failed": 0,
            "prompt_tokens": 0,
            "completion_tokens": 0,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        route = (scope["method"], relative_path(scope))
        try:
            if route == ("GET", "/health"):
                await _answer(send, 200, b"")
            elif route == ("GET", "/stats"):
                await _answer(send, 200, orjson.dumps(self.stats))
            elif route == ("POST", "/tokenize"):
                await _answer(send, 200, self._tokenize(parse_json(await _read(receive))))
            elif route in (("POST", "/v1/chat/completions"), ("POST", "/v1/completions")):
                await self._generate(scope, receive, send, chat=route[1] == "/v1/chat/completions")
            else:
                raise Refused(f"There is no {route[0]} {route[1]} here.", None, "not_found", 404)
        except Refused as refused:
            body = error_body(refused.message, "invalid_request_error", refused.code, refused.param)
            await _answer(send, refused.status, body)
        except _Left:
            return

    def _tokenize(self, body: dict[str, Any]) -> bytes:
        (prompt, *more) = parse_prompt(body, chat="messages" in body)
        if more:
            raise Refused("prompt must be one text.", "prompt")
        ids = [token_id(token) for token in tokenise(prompt)]
        return orjson.dumps(
            {"count": len(ids), "max_model_len": self._window, "tokens": ids, "token_strs": None}
        )

    async def _generate(self, scope: Scope, receive: Receive, send: Send, *, chat: bool) -> None:
        body = await _read(receive)
        # The first token is due from here on: an engine reads the prompt in that time.
        arrived = time.monotonic()
        request = parse_request(
            body,
            chat=chat,
            model=self._model,
            window=self._window,
            limit=self._limit,
            pace=_pace_of(scope, self._pace),
        )
        answers = [
            compose(
                prompt,
                max_tokens=request.max_tokens,
                seed=self._seed + request.seed + choice,
                stop=request.stop,
                exact_tokens=request.pace.tokens,
                ignore_eos=request.ignore_eos,
            )
            for prompt in request.prompts
            for choice in range(request.choices)
        ]
        self.stats["requests"] += 1
        self.stats["running"] += 1
        self.stats["prompt_tokens"] += request.prompt_tokens
        # The guard's, or one that nobody reads.
        told: Watched = scope.get(USAGE) or Watched()
        told.told, told.prompt_tokens = True, request.prompt_tokens
        here = asyncio.current_task()
        left = False

        async def watch() -> None:
            nonlocal left
            while (await receive())["type"] != "http.disconnect":
                pass
            left = True
            if here is not None:
                here.cancel()

        watcher = asyncio.create_task(watch())
        try:
            if request.stream:
                await self._stream(request, answers, arrived, send, told)
            else:
                await self._whole(request, answers, arrived, send, told)
        except asyncio.CancelledError:
            self.stats["cancelled"] += 1
            if left:
                # Nobody cancelled this task from outside: the caller hung up.
                raise _Left from None
            raise
        finally:
            watcher.cancel()
            self.stats["running"] -= 1

    async def _ticks(
        self, request: Request, answers: list[Answer], arrived: float, told: Watched
    ) -> AsyncIterator[tuple[int, int]]:
        """The choice and position of each token, when its time has come. Counts them."""
        slow = max((answer.token_ms or 0.0 for answer in answers), default=0.0)
        step = max(request.pace.token_ms, slow) / 1000
        due = arrived + request.pace.ttft_ms / 1000
        for position in range(max(len(answer.tokens) for answer in answers) if answers else 0):
            wait = due - time.monotonic()
            # Also without a wait others get their turn now and then.
            if wait > 0 or position % 16 == 0:
                await asyncio.sleep(max(wait, 0))
            for index, answer in enumerate(answers):
                if position < len(answer.tokens):
                    self.stats["completion_tokens"] += 1
                    told.completion_tokens += 1
                    yield index, position
            due += step

    async def _stream(
        self, request: Request, answers: list[Answer], arrived: float, send: Send, told: Watched
    ) -> None:
        frames = _Frames(request, self._model)
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", b"text/event-stream; charset=utf-8"),
                    (b"cache-control", b"no-cache"),
                ],
            }
        )
        for chunk in frames.opening(len(answers)):
            await send(_part(chunk))
        async for index, position in self._ticks(request, answers, arrived, told):
            await send(_part(frames.token(index, answers[index].tokens[position], position)))
        if any(answer.fails for answer in answers):
            self.stats["failed"] += 1
            failure = error_body("The simulated engine was told to fail.", "server_error", "engine_failed")
            await send({"type": "http.response.body", "body": b"data: " + failure + b"\n\n"})
            return
        for index, answer in enumerate(answers):
            await send(_part(frames.finish(index, answer.finish_reason)))
        if request.include_usage:
            await send(_part(frames.usage(sum(len(answer.tokens) for answer in answers))))
        await send({"type": "http.response.body", "body": _DONE})

    async def _whole(
        self, request: Request, answers: list[Answer], arrived: float, send: Send, told: Watched
    ) -> None:
        async for _ in self._ticks(request, answers, arrived, told):
            pass
        if any(answer.fails for answer in answers):
            self.stats["failed"] += 1
            body = error_body("The simulated engine was told to fail.", "server_error", "engine_failed")
            await _answer(send, 500, body)
            return
        await _answer(send, 200, _Frames(request, self._model).whole(answers))


class _Left(Exception):
    """The caller hung up."""


class _Frames:
    """Renders one answer. What stays the same from token to token is rendered once."""

    def __init__(self, request: Request, model: str | None) -> None:
        self._request = request
        kind, self._object = ("chatcmpl", "chat.completion") if request.chat else ("cmpl", "text_completion")
        self._head: dict[str, Any] = {
            "id": f"{kind}-{uuid.uuid4().hex}",
            "object": self._object + (".chunk" if request.chat else ""),
            "created": int(time.time()),
            "model": model or "simulated",
        }
        # Everything up to the list of choices, without the closing brace.
        self._open = b"data: " + orjson.dumps(self._head)[:-1] + b',"choices":['
        self._made = 0
        self._plain = not (request.return_token_ids or request.logprobs or request.continuous_usage)

    def opening(self, choices: int) -> Iterator[bytes]:
        if not self._request.chat:
            return
        for index in range(choices):
            choice = {
                "index": index,
                "delta": {"role": "assistant", "content": ""},
                "logprobs": None,
                "finish_reason": None,
            }
            more: dict[str, Any] = {}
            if self._request.return_token_ids and index == 0:
                more["prompt_token_ids"] = self._prompt_ids()
            yield self._frame(choice, more)

    def token(self, index: int, token: str, position: int) -> bytes:
        self._made += 1
        if self._plain:
            # The hot path: one small dump a token.
            text = orjson.dumps(token)
            if self._request.chat:
                return b'%b{"index":%d,"delta":{"content":%b},"logprobs":null,"finish_reason":null}]}\n\n' % (
                    self._open,
                    index,
                    text,
                )
            return b'%b{"index":%d,"text":%b,"logprobs":null,"finish_reason":null}]}\n\n' % (
                self._open,
                index,
                text,
            )
        choice: dict[str, Any] = {"index": index}
        choice |= {"delta": {"content": token}} if self._request.chat else {"text": token}
        choice |= {"logprobs": self._logprobs([token]), "finish_reason": None}
        more: dict[str, Any] = {}
        if self._request.return_token_ids:
            choice["token_ids"] = [token_id(token)]
            if not self._request.chat and position == 0:
                choice["prompt_token_ids"] = self._prompt_ids()
        if self._request.continuous_usage:
            more["usage"] = self._counts(self._made)
        return self._frame(choice, more)

    def finish(self, index: int, reason: str) -> bytes:
        empty: dict[str, Any] = {"delta": {}} if self._request.chat else {"text": ""}
        return self._frame({"index": index, **empty, "logprobs": None, "finish_reason": reason}, {})

    def usage(self, made: int) -> bytes:
        return b'%b],"usage":%b}\n\n' % (self._open, orjson.dumps(self._counts(made)))

    def whole(self, answers: list[Answer]) -> bytes:
        choices = []
        for index, answer in enumerate(answers):
            text = "".join(answer.tokens)
            choice: dict[str, Any] = {"index": index}
            if self._request.chat:
                choice["message"] = {"role": "assistant", "content": text, "refusal": None}
            else:
                choice["text"] = text
            choice["logprobs"] = self._logprobs(list(answer.tokens))
            choice["finish_reason"] = answer.finish_reason
            if self._request.return_token_ids:
                choice["token_ids"] = [token_id(token) for token in answer.tokens]
                if not self._request.chat:
                    choice["prompt_token_ids"] = self._prompt_ids()
            choices.append(choice)
        body = {**self._head, "object": self._object, "choices": choices}
        if self._request.chat and self._request.return_token_ids:
            body["prompt_token_ids"] = self._prompt_ids()
        body["usage"] = self._counts(sum(len(answer.tokens) for answer in answers))
        return orjson.dumps(body)

    def _frame(self, choice: dict[str, Any], more: dict[str, Any]) -> bytes:
        return b"data: " + orjson.dumps({**self._head, "choices": [choice], **more}) + b"\n\n"

    def _counts(self, made: int) -> dict[str, int]:
        prompt = self._request.prompt_tokens
        return {"prompt_tokens": prompt, "completion_tokens": made, "total_tokens": prompt + made}

    def _prompt_ids(self) -> list[int]:
        return [token_id(token) for token in tokenise(self._request.prompts[0])]

    def _logprobs(self, tokens: list[str]) -> dict[str, Any] | None:
        if not self._request.logprobs:
            return None
        if not self._request.chat:
            return {
                "tokens": tokens,
                "token_logprobs": [-0.1] * len(tokens),
                "top_logprobs": [{token: -0.1} for token in tokens],
                "text_offset": [sum(map(len, tokens[:at])) for at in range(len(tokens))],
            }
        content = []
        for token in tokens:
            entry: dict[str, Any] = {
                "token": token,
                "logprob": -0.1,
                "bytes": list(token.encode("utf-8", "surrogatepass")),
            }
            content.append({**entry, "top_logprobs": [entry] if self._request.top_logprobs else []})
        return {"content": content}


def _pace_of(scope: Scope, pace: Pace) -> Pace:
    for name, value in scope["headers"]:
        if name == _PACE_HEADER:
            try:
                pairs = dict(item.split("=", 1) for item in value.decode().replace(" ", "").split(","))
                return Pace(
                    ttft_ms=float(pairs.pop("ttft_ms", pace.ttft_ms)),
                    token_ms=float(pairs.pop("token_ms", pace.token_ms)),
                    tokens=int(pairs.pop("tokens")) if "tokens" in pairs else None,
                )
            except ValueError as error:
                raise Refused(
                    "x-headrace-simulated must read like ttft_ms=0,token_ms=5,tokens=256."
                ) from error
    return pace


def _part(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": True}


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _read(receive: Receive) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Left
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY_BYTES:
            raise Refused("The body is too large.", None, "payload_too_large", 413)
        if not message.get("more_body"):
            return b"".join(parts)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


if __name__ == "__main__":
    from serve.standalone import main

    main()
