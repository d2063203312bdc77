"""An engine that talks in the simulated engine's words, with the ids of its tokens, and goes on from ids."""

from collections.abc import Callable

import orjson

from core.errors import EngineLost
from gateway.inference import Target
from gateway.inference.fake import FakeEngineResponse
from serve.simulated_text import compose, render, text_of, token_id, tokenise

Responder = Callable[[Target, str, bytes], FakeEngineResponse]
MOST = 1000


def said(question: str, max_tokens: int = MOST) -> str:
    """The answer that nothing disturbed."""
    return "".join(compose(render([("user", question)]), max_tokens=max_tokens).tokens)


def talker(*, pause: float = 0.0, lost_after: int | None = None) -> Responder:
    """Streams the whole answer, or breaks off after `lost_after` tokens."""

    def respond(_: Target, route: str, body: bytes) -> FakeEngineResponse:
        asked = orjson.loads(body)
        chat = route == "/v1/chat/completions"
        if chat:
            prompt = render([(message["role"], message["content"]) for message in asked["messages"]])
        else:
            prompt = text_of(asked["prompt"])
        answer = compose(prompt, max_tokens=min(asked["max_tokens"], MOST))
        prompt_ids = [token_id(token) for token in tokenise(prompt)]

        def frame(text: str, made: int, reason: str | None, ids: list[int]) -> bytes:
            choice: dict[str, object] = {"index": 0, "finish_reason": reason, "token_ids": ids}
            choice |= {"delta": {"content": text}} if chat else {"text": text}
            usage = {"prompt_tokens": len(prompt_ids), "completion_tokens": made}
            return b"data: " + orjson.dumps({"choices": [choice], "usage": usage}) + b"\n\n"

        opening = {"choices": [], "prompt_token_ids": prompt_ids}
        parts: list[bytes | EngineLost] = [b"data: " + orjson.dumps(opening) + b"\n\n"]
        for made, token in enumerate(answer.tokens, start=1):
            if lost_after is not None and made > lost_after:
                return FakeEngineResponse(200, [*parts, EngineLost()], {}, pause)
            parts.append(frame(token, made, None, [token_id(token)]))
        parts.append(frame("", len(answer.tokens), answer.finish_reason, []))
        parts.append(b"data: [DONE]\n\n")
        return FakeEngineResponse(200, parts, {}, pause)

    return respond
