"""What the simulated engine accepts: OpenAI's request bodies, checked, as one plain object."""

from dataclasses import dataclass
from typing import Any

import orjson

from serve.simulated_text import count, render, text_of, tokenise


class Refused(Exception):
    """The request cannot be served; rendered in OpenAI's shape with status 400 unless another is given."""

    def __init__(
        self, message: str, param: str | None = None, code: str = "invalid_value", status: int = 400
    ) -> None:
        self.message, self.param, self.code, self.status = message, param, code, status
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Pace:
    """Milliseconds to the first token and between two, and an exact answer length if one was asked for."""

    ttft_ms: float
    token_ms: float
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One generation, ready to run."""

    chat: bool
    prompts: tuple[str, ...]
    prompt_tokens: int
    max_tokens: int
    stream: bool
    include_usage: bool
    continuous_usage: bool
    choices: int
    seed: int
    stop: tuple[str, ...]
    ignore_eos: bool
    return_token_ids: bool
    logprobs: bool
    top_logprobs: int
    pace: Pace


def parse_json(body: bytes) -> dict[str, Any]:
    """The body as an object. Raises Refused."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(f"The body is not valid JSON: {error}.", code="invalid_json") from error
    if not isinstance(parsed, dict):
        raise Refused("The body must be a JSON object.", code="invalid_json")
    return parsed


def parse_prompt(body: dict[str, Any], chat: bool) -> tuple[str, ...]:
    """The prompt or prompts as text. Raises Refused."""
    if body.get("prompt_embeds") is not None:
        raise Refused("prompt_embeds is not accepted.", "prompt_embeds", "unsupported_parameter")
    if chat:
        return (render(_messages(body.get("messages"))),)
    prompt = body.get("prompt")
    if isinstance(prompt, str):
        return (prompt,)
    if isinstance(prompt, list) and prompt:
        if all(type(item) is int for item in prompt):
            return (_from_ids(prompt),)
        if all(isinstance(item, str) for item in prompt):
            return tuple(prompt)
        if all(
            isinstance(item, list) and item and all(type(part) is int for part in item) for item in prompt
        ):
            return tuple(_from_ids(item) for item in prompt)
    raise Refused("prompt must be a text, token ids, or a list of either.", "prompt")


def parse_request(
    raw: bytes, *, chat: bool, model: str | None, window: int, limit: int, pace: Pace
) -> Request:
    """Check a whole body. `window` and `limit` are the model's, in tokens. Raises Refused."""
    body = parse_json(raw)
    asked = body.get("model")
    if asked is not None and not isinstance(asked, str):
        raise Refused("model must be a text.", "model")
    if model is not None and asked not in (None, model):
        raise Refused(f"The model {asked!r} does not exist.", "model", "model_not_found", 404)
    prompts = parse_prompt(body, chat)
    lengths = [count(prompt) for prompt in prompts]
    named = (
        "max_completion_tokens" if chat and body.get("max_completion_tokens") is not None else "max_tokens"
    )
    wanted = _integer(body, named, 1, 10_000_000)
    longest = max(lengths)
    if longest >= window or (wanted is not None and longest + wanted > window):
        detail = f"{longest} in the prompt" + (f" and {wanted} for the answer" if wanted is not None else "")
        raise Refused(
            f"This model's maximum context length is {window} tokens, but you asked for {detail}.",
            "messages" if chat else "prompt",
            "context_length_exceeded",
        )
    fallback = limit if chat else 16
    options = body.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise Refused("stream_options must be an object.", "stream_options")
    if options and not body.get("stream"):
        raise Refused("stream_options needs stream to be true.", "stream_options")
    _number(body, "temperature", 0, 2)
    _number(body, "top_p", 0, 1)
    if (chat and isinstance(body.get("tool_choice"), dict)) or body.get("tool_choice") == "required":
        raise Refused("The simulated engine calls no tools.", "tool_choice", "unsupported_parameter")
    wanted_format = body.get("response_format")
    if wanted_format is not None and wanted_format != {"type": "text"}:
        raise Refused(
            "The simulated engine writes plain text only.", "response_format", "unsupported_parameter"
        )
    logprobs = body.get("logprobs")
    return Request(
        chat=chat,
        prompts=prompts,
        prompt_tokens=sum(lengths),
        max_tokens=min(wanted if wanted is not None else fallback, window - longest),
        stream=_boolean(body, "stream"),
        include_usage=_boolean(options or {}, "include_usage"),
        continuous_usage=_boolean(options or {}, "continuous_usage_stats"),
        choices=_integer(body, "n", 1, 128) or 1,
        seed=_integer(body, "seed", -(2**63), 2**63 - 1) or 0,
        stop=_stop(body.get("stop")),
        ignore_eos=_boolean(body, "ignore_eos"),
        return_token_ids=_boolean(body, "return_token_ids"),
        logprobs=logprobs is True or (type(logprobs) is int and not chat),
        top_logprobs=(_integer(body, "top_logprobs", 0, 20) or 0) if chat else int(logprobs or 0),
        pace=_pace(body.get("simulated"), pace),
    )


def prompt_ids(request: Request) -> list[str]:
    """The first prompt's tokens."""
    return tokenise(request.prompts[0])


def _messages(value: Any) -> list[tuple[str, str]]:
    if not isinstance(value, list) or not value:
        raise Refused("messages must be a list with at least one message.", "messages")
    messages = []
    for index, message in enumerate(value):
        where = f"messages[{index}]"
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise Refused(f"{where} must be an object with a role.", where)
        role, content = message["role"], message.get("content")
        if role not in ("system", "developer", "user", "assistant", "tool"):
            raise Refused(f"{where}.role must not be {role!r}.", f"{where}.role")
        if isinstance(content, list):
            content = "".join(_part(part, f"{where}.content") for part in content)
        if content is None and (role in ("assistant", "tool")):
            content = ""
        if not isinstance(content, str):
            raise Refused(f"{where}.content must be a text or a list of text parts.", f"{where}.content")
        messages.append((role, content))
    return messages


def _part(part: Any, where: str) -> str:
    if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str):
        text: str = part["text"]
        return text
    raise Refused("The simulated engine reads text parts only.", where, "unsupported_parameter")


def _from_ids(ids: list[int]) -> str:
    try:
        return text_of(ids)
    except (ValueError, OverflowError) as error:
        raise Refused(f"prompt holds a number that is no token id: {error}.", "prompt") from error


def _integer(body: dict[str, Any], name: str, low: int, high: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if type(value) is not int or not low <= value <= high:
        raise Refused(f"{name} must be a whole number from {low} to {high}.", name)
    return value


def _number(body: dict[str, Any], name: str, low: float, high: float) -> None:
    value = body.get(name)
    if value is not None and (type(value) not in (int, float) or not low <= value <= high):
        raise Refused(f"{name} must be a number from {low} to {high}.", name)


def _boolean(body: dict[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise Refused(f"{name} must be true or false.", name)
    return bool(value)


def _stop(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    words = [value] if isinstance(value, str) else value
    if (
        not isinstance(words, list)
        or not all(isinstance(word, str) and word for word in words)
        or len(words) > 16
    ):
        raise Refused("stop must be a text or a list of at most 16 texts.", "stop")
    return tuple(words)


def _pace(value: Any, pace: Pace) -> Pace:
    if value is None:
        return pace
    if not isinstance(value, dict) or set(value) - {"ttft_ms", "token_ms", "tokens"}:
        raise Refused("simulated may hold ttft_ms, token_ms and tokens.", "simulated")
    for name in ("ttft_ms", "token_ms"):
        _number(value, name, 0, 60_000)
    return Pace(
        ttft_ms=value.get("ttft_ms", pace.ttft_ms),
        token_ms=value.get("token_ms", pace.token_ms),
        tokens=_integer(value, "tokens", 1, 1_000_000),
    )
