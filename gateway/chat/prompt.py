"""The prompt of a turn: as much of the history as the model's context window holds.

The system prompt and the newest message always stay; the oldest messages go first. Tokens are counted by
the engine that will read them, and only where what is known leaves a doubt: a token of the byte-level
vocabularies in use covers at least one byte, and of an earlier turn the engine has said what it read.
"""

from bisect import bisect_left
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from core.errors import MessageTooLong
from gateway.inference import Target

PromptMessage = Mapping[str, object]
CountTokens = Callable[[Sequence[PromptMessage]], Awaitable[int]]

# What a chat template may add around one message, and around all of them.
TEMPLATE_TOKENS_PER_MESSAGE = 16
TEMPLATE_TOKENS = 64
# What a token of most texts covers, until the engine has counted some of this one.
BYTES_PER_TOKEN = 4.0
# So often the place is guessed from what was counted; then what is left is halved.
GUESSES = 3
# Less room than this is not worth an answer.
MINIMUM_ANSWER_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent. `max_tokens` is what the window leaves for the answer, within what was asked for.

    `tokens_at_most` are the prompt's own; `counted` says that the engine has counted them.
    """

    messages: Sequence[PromptMessage]
    trimmed: int
    max_tokens: int
    tokens_at_most: int
    counted: bool


def answer_reserve(target: Target, max_tokens: int | None) -> int:
    """Tokens kept free for the answer: what was asked for, but no more than a quarter of the window."""
    wanted = min(max_tokens or target.max_output_tokens, target.max_output_tokens)
    return max(MINIMUM_ANSWER_TOKENS, min(wanted, target.context_window // 4))


async def build_prompt(
    target: Target,
    system_prompt: str | None,
    history: Sequence[PromptMessage],
    *,
    max_tokens: int | None,
    count: CountTokens,
    history_at_most: int | None = None,
) -> Prompt:
    """Choose what fits.

    Args:
        history: oldest first; the last one is the new message.
        max_tokens: tokens of the answer the person asked for, or None.
        count: tokens of a list of messages, the chat template included.
        history_at_most: no fewer tokens than the whole history has, where that is known.

    Raises: core.errors.MessageTooLong when the newest message alone does not fit.
    """
    head = [{"role": "system", "content": system_prompt}] if system_prompt else []
    wanted = min(max_tokens or target.max_output_tokens, target.max_output_tokens)

    around = at_most(head) + TEMPLATE_TOKENS

    def all_of_it(tokens: int) -> Prompt | None:
        if around + tokens + wanted > target.context_window:
            return None
        return Prompt([*head, *history], 0, wanted, around + tokens, counted=False)

    # What is known is nearer than what is added up here, and costs nothing.
    whole = all_of_it(history_at_most) if history_at_most is not None else None
    whole = whole or all_of_it(at_most(history))
    if whole is not None:
        return whole

    room = target.context_window - answer_reserve(target, max_tokens)
    dropped, tokens = await _fewest_to_drop(head, history, room, count)
    if dropped is None:
        most = target.context_window - MINIMUM_ANSWER_TOKENS
        tokens = await count([*head, history[-1]])
        if tokens > most:
            raise MessageTooLong(
                f"This message has about {tokens:,} tokens; {target.model} reads at most {most:,} at once. "
                "Shorten it, or choose a model with a longer context.",
                fields=[("content", "longer than the model's context window")],
            )
        dropped = len(history) - 1
    return Prompt(
        [*head, *history[dropped:]],
        dropped,
        min(wanted, target.context_window - tokens),
        tokens,
        counted=True,
    )


async def _fewest_to_drop(
    head: Sequence[PromptMessage], history: Sequence[PromptMessage], room: int, count: CountTokens
) -> tuple[int | None, int]:
    """How many of the oldest messages must go, and the tokens of what stays; None when even one is too many.

    The places where the history may begin are its person's messages; the tokens fall from one to the next.
    How many bytes one covers is nearly the same all through a conversation, so the first guesses are near.
    """
    begins = [index for index, message in enumerate(history) if message["role"] == "user"]
    if not begins or begins[-1] != len(history) - 1:
        begins.append(len(history) - 1)
    # Of what stays when the history begins at a message, the bytes; negative, so that they rise.
    stays = [-at_most(head)]
    for message in reversed(history):
        stays.append(stays[-1] - at_most([message]))
    sizes = [stays[len(history) - begin] for begin in begins]
    fits: tuple[int | None, int] = (None, 0)
    low, high, bytes_per_token, asked = 0, len(begins) - 1, BYTES_PER_TOKEN, 0
    while low <= high:
        guess = (low + high) // 2
        if asked < GUESSES:
            guess = bisect_left(sizes, -room * bytes_per_token, low, high)
        tokens = await count([*head, *history[begins[guess] :]])
        asked += 1
        bytes_per_token = -sizes[guess] / max(1, tokens)
        if tokens <= room:
            fits = begins[guess], tokens
            high = guess - 1
        else:
            low = guess + 1
    return fits


def at_most(messages: Sequence[PromptMessage]) -> int:
    """No fewer tokens than these messages have."""
    return sum(bytes_of(str(message["content"])) + TEMPLATE_TOKENS_PER_MESSAGE for message in messages)


def bytes_of(text: str) -> int:
    """How long it is in UTF-8; of most texts that is known without making the bytes."""
    return len(text) if text.isascii() else len(text.encode())
