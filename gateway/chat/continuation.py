"""What to ask an engine so that an answer goes on where another engine stopped.

The seam is made of token ids: text that is split into tokens anew may be split differently, and the model
would go on from a place where it never was.
"""

from collections.abc import Mapping
from typing import Any, Final

from core.engine_fields import RESUMED_TOKENS
from gateway.chat.answer import Answer
from gateway.conversations.response_format import is_structured
from gateway.inference import Target

CHAT: Final = "/v1/chat/completions"
COMPLETIONS: Final = "/v1/completions"

# Fields that only some engines know.
_OF_ENGINE = frozenset({"return_token_ids", "include_stop_str_in_output"})
_OF_CHAT_ONLY = frozenset({"messages"})


def request_of(
    target: Target, messages: object, max_tokens: int, chosen: Mapping[str, Any]
) -> dict[str, Any]:
    """The first request of a turn, as the engine of `target` understands it."""
    body: dict[str, Any] = {
        "messages": messages,
        "stream": True,
        **chosen,
        "max_tokens": max_tokens,
    }
    return readdressed(body, target)


def readdressed(request: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """The same request, as the engine of `target` understands it."""
    body = {name: value for name, value in request.items() if name not in _OF_ENGINE}
    body["model"] = target.model
    body["stream_options"] = {"include_usage": True}
    if target.continuation == "tokens":
        # Running counts on every chunk, so that a stopped turn is charged exactly what was made.
        body["stream_options"] = {"include_usage": True, "continuous_usage_stats": True}
        body["return_token_ids"] = True
        if body.get("stop"):
            # Nothing is held back in the engine: gateway.chat.stop_words knows what is.
            body["include_stop_str_in_output"] = True
    return body


def next_request(
    target: Target, first: Mapping[str, Any], answer: Answer
) -> tuple[str, dict[str, Any]] | None:
    """Route and body that go on behind `answer`; None when this engine cannot."""
    if not answer.text and not answer.tokens and not answer.held:
        return CHAT, dict(first)
    if target.continuation == "tokens" and answer.prompt is not None and answer.tokens:
        body = {name: value for name, value in first.items() if name not in _OF_CHAT_ONLY}
        body["prompt"] = [*answer.prompt, *answer.tokens]
        body["max_tokens"] = room_left(first, answer)
        if is_structured(first):
            # The engine's grammar has to be where the answer is: serve/resumed_grammar.py reads this.
            body["vllm_xargs"] = {RESUMED_TOKENS: len(answer.tokens)}
        return COMPLETIONS, body
    # Behind a text an engine's grammar would begin anew, and the whole be no JSON.
    if target.continuation == "text" and not is_structured(first):
        partial = {"role": "assistant", "content": answer.text + answer.held}
        body = {**first, "messages": [*first["messages"], partial]}
        body["max_tokens"] = room_left(first, answer)
        return CHAT, body
    return None


def room_left(first: Mapping[str, Any], answer: Answer) -> int:
    """How many tokens the answer may still have; none when it is as long as was asked for."""
    left: int = first["max_tokens"] - answer.known_tokens
    return max(0, left)
