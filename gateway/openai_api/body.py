"""What is read of a request's body before it is passed on as it is.

Only the fields that decide something here are looked at; everything else passes untouched. Reading them with
a typed decoder costs a fraction of parsing the body, and checks that it is JSON.
"""

from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from zlib import crc32

import msgspec
import orjson

from core.errors import HeadraceError
from gateway.inference import Priority
from gateway.openai_api.errors import BadRequest

# Fields of the engine that reach into its process or its machine, or past others who wait for it.
REFUSED: Final = (
    "priority",
    "prompt_embeds",
    "chat_template",
    "mm_processor_kwargs",
    "media_io_kwargs",
    "kv_transfer_params",
    "vllm_xargs",
)
MOST_CHOICES: Final = 16
# Texts that are the same for so long are taken for the beginnings of one conversation.
ALIKE_BYTES: Final = 2_048
MOST_TOKENS: Final = 1_000_000
DEFAULT_COMPLETION_TOKENS: Final = 16
# What a chat template may add around one message, and around all of them.
TEMPLATE_TOKENS: Final = 64

_QUOTE: Final = ord('"')
_NULL: Final = b"null"


class StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class Head(msgspec.Struct):
    """The fields that decide something, of both kinds of completion."""

    model: str
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    best_of: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    service_tier: str | None = None
    priority: Any = msgspec.UNSET
    prompt_embeds: Any = msgspec.UNSET
    chat_template: Any = msgspec.UNSET
    mm_processor_kwargs: Any = msgspec.UNSET
    media_io_kwargs: Any = msgspec.UNSET
    kv_transfer_params: Any = msgspec.UNSET
    vllm_xargs: Any = msgspec.UNSET


class MessageHead(msgspec.Struct):
    content: msgspec.Raw = msgspec.Raw(_NULL)

    def is_plain(self) -> bool:
        """Whether its content is text or nothing: only the parts of a list can name a file or an address."""
        content = memoryview(self.content)
        return content[0] == _QUOTE or bytes(content[:5]) == _NULL


class ChatHead(Head, kw_only=True):
    messages: list[MessageHead]


class CompletionHead(Head, kw_only=True):
    prompt: msgspec.Raw


H = TypeVar("H", bound=Head)


# A request of this tier takes what chats and other requests leave, as OpenAI's does.
FLEX: Final = "flex"


@dataclass(frozen=True, slots=True)
class Request(Generic[H]):
    """A request that may be passed on.

    Attributes:
        body: the bytes to send; the client's own, but for the option that makes a stream tell its usage.
        hide_usage: the client did not ask for the usage chunk, so it must not see it.
    """

    head: H
    body: bytes
    stream: bool
    hide_usage: bool

    @property
    def priority(self) -> Priority:
        """Who goes first where an engine is full."""
        return Priority.JOB if self.head.service_tier == FLEX else Priority.API


def read(raw: bytes, decoder: "msgspec.json.Decoder[H]") -> Request[H]:
    """Raises BadRequest, naming the field where there is one."""
    try:
        head = decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise _explained(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"The body is not valid JSON: {error}") from error
    _refuse_extremes(head)
    if isinstance(head, ChatHead) and not all(message.is_plain() for message in head.messages):
        _refuse_addresses(raw)
    if not head.stream:
        return Request(head, raw, stream=False, hide_usage=False)
    asked = head.stream_options is not None and bool(head.stream_options.include_usage)
    return Request(head, raw if asked else _with_usage(raw, head), stream=True, hide_usage=not asked)


def addressed_to(request: Request[H], model: str) -> Request[H]:
    """The same request to another model."""
    if request.head.model == model:
        return request
    whole = orjson.loads(request.body)
    whole["model"] = model
    head = msgspec.structs.replace(request.head, model=model)
    return Request(head, orjson.dumps(whole), stream=request.stream, hide_usage=request.hide_usage)


def prompt_of(request: Request[Any]) -> list[dict[str, Any]] | str:
    """The prompt, for counting its tokens."""
    whole = orjson.loads(request.body)
    if isinstance(request.head, ChatHead):
        messages: list[dict[str, Any]] = whole["messages"]
        return messages
    prompt = whole["prompt"]
    return prompt if isinstance(prompt, str) else " ".join(map(str, prompt))


@dataclass(frozen=True, slots=True)
class Bound:
    """No fewer tokens than a request can cost.

    Attributes:
        prompt: of the prompt.
        answer: of all its answers together.
        countable: whether the engine can be asked for the prompt's exact figure.
    """

    prompt: int
    answer: int
    countable: bool


def bound_of(request: Request[Any], window: int) -> Bound:
    """What a request to a model with this context window can cost at most.

    A token of the vocabularies in use covers at least one byte of the text, and JSON makes no text shorter.
    """
    head = request.head
    prompts, countable = 1, True
    if isinstance(head, ChatHead):
        texts = all(message.is_plain() for message in head.messages)
        # A picture is not made of its bytes.
        prompt = (
            len(request.body) + len(head.messages) * TEMPLATE_TOKENS + TEMPLATE_TOKENS if texts else window
        )
        countable = texts
    else:
        prompts = _prompts_in(head.prompt)
        prompt = len(request.body)
        countable = prompts == 1
    choices = max(head.n or 1, head.best_of or 1)
    return Bound(min(prompt, prompts * window), prompts * choices * answer_of(head, window), countable)


def answer_of(head: Head, window: int) -> int:
    """The most tokens that one answer may have."""
    asked = [most for most in (head.max_tokens, head.max_completion_tokens) if most is not None]
    # What is not asked for is up to the engine: 16 tokens of a completion, the rest of the window in a chat.
    most = max(asked) if asked else (window if isinstance(head, ChatHead) else DEFAULT_COMPLETION_TOKENS)
    return min(most, window)


def affinity_of(head: Head) -> str:
    """The same for requests that begin alike: by the first two messages, or the prompt's beginning."""
    if isinstance(head, ChatHead):
        begins = [memoryview(message.content)[:ALIKE_BYTES] for message in head.messages[:2]]
    elif isinstance(head, CompletionHead):
        begins = [memoryview(head.prompt)[:ALIKE_BYTES]]
    else:
        return ""
    mark = 0
    for begin in begins:
        mark = crc32(begin, mark)
    return f"{mark:08x}"


def _prompts_in(prompt: msgspec.Raw) -> int:
    """A text or a list of tokens is one prompt; a list of either is as many."""
    value = orjson.loads(memoryview(prompt))
    if isinstance(value, list) and value and not isinstance(value[0], int):
        return len(value)
    return 1


def _refuse_extremes(head: Head) -> None:
    for name in REFUSED:
        if getattr(head, name) is not msgspec.UNSET:
            raise BadRequest(f"The field {name!r} is not accepted here.", param=name)
    for name in ("n", "best_of"):
        value = getattr(head, name)
        if value is not None and not 1 <= value <= MOST_CHOICES:
            raise BadRequest(f"{name!r} must be between 1 and {MOST_CHOICES}.", param=name)
    for name in ("max_tokens", "max_completion_tokens"):
        value = getattr(head, name)
        if value is not None and not 0 <= value <= MOST_TOKENS:
            raise BadRequest(f"{name!r} must be between 0 and {MOST_TOKENS:,}.", param=name)
    if isinstance(head, ChatHead) and not head.messages:
        raise BadRequest("'messages' must hold at least one message.", param="messages")


def _refuse_addresses(raw: bytes) -> None:
    """Pictures and sounds must travel inside the request: the engine fetches nothing and opens no file."""
    pending: list[Any] = [orjson.loads(raw).get("messages")]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, dict):
            for name, part in value.items():
                if name.endswith("_url"):
                    address = part.get("url") if isinstance(part, dict) else part
                    if not (isinstance(address, str) and address.startswith("data:")):
                        raise BadRequest(
                            "Media must be sent inside the request, as data: addresses.", param="messages"
                        )
                elif name == "file":
                    raise BadRequest("Files cannot be named here; send their text.", param="messages")
                elif isinstance(part, list | dict):
                    pending.append(part)


def _with_usage(raw: bytes, head: Head) -> bytes:
    """The same body, asking for the usage chunk."""
    if head.stream_options is None and b'"stream_options"' not in raw:
        end = raw.rindex(b"}")
        return raw[:end] + b',"stream_options":{"include_usage":true}}'
    whole = orjson.loads(raw)
    whole["stream_options"] = {**(whole.get("stream_options") or {}), "include_usage": True}
    return orjson.dumps(whole)


def _explained(message: str) -> HeadraceError:
    """msgspec ends its sentences with where: ``... - at `$.messages` ``."""
    sentence, _, where = message.partition(" - at `$")
    param = where.rstrip("`").lstrip(".").partition(".")[0].partition("[")[0] or None
    if "missing required field" in sentence:
        param = sentence.split("`")[1]
        sentence = f"The field {param!r} is required."
    elif param:
        sentence = f"The field {param!r} is not right: {sentence}."
    return BadRequest(sentence, param=param)
