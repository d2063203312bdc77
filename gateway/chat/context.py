"""What of a conversation a model reads: its newest messages, and a summary of those that do not fit."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import MessageTooLong
from gateway.chat.prompt import CountTokens, Prompt, PromptMessage, at_most, build_prompt, bytes_of
from gateway.conversations.summaries.repository import SummaryRepository
from gateway.conversations.summaries.tables import SummaryRow
from gateway.conversations.tables import ConversationRow, MessageStatus, Role, SaidRow
from gateway.inference import Inference, Target
from gateway.inference.tokens import count_prompt_tokens

# No prompt is made of more messages than this, and of no more bytes for each token of the window.
MAX_HISTORY_MESSAGES = 400
MAX_BYTES_PER_TOKEN = 16

_SUMMARY = "The conversation began earlier. A summary of what is not repeated here:\n\n"


@dataclass(frozen=True, slots=True)
class Context:
    """A prompt, and what it leaves out.

    Attributes:
        trimmed: how many messages, from the root on, the model does not read.
        summarised: how many of them it reads a summary of.
    """

    prompt: Prompt
    trimmed: int
    summarised: int


class ContextBuilder:
    """Makes the prompts of turns."""

    def __init__(self, inference: Inference, summaries: SummaryRepository) -> None:
        self._inference = inference
        self._summaries = summaries

    def counter(self, target: Target, *, turn_id: str, traceparent: str) -> CountTokens:
        """Counts by the tokenizer of the model that will read."""

        async def count(messages: Sequence[PromptMessage]) -> int:
            return await count_prompt_tokens(
                self._inference, target, messages, request_id=turn_id, traceparent=traceparent
            )

        return count

    async def build(
        self,
        conversation: ConversationRow,
        target: Target,
        path: Sequence[SaidRow],
        new_content: str | None,
        *,
        max_tokens: int | None,
        count: CountTokens,
    ) -> Context:
        """Choose what fits.

        Args:
            path: newest first, towards the root.
            new_content: the new message; None where it is the first of `path` already.

        Raises: core.errors.MessageTooLong when the newest message alone does not fit; what `count` raises.
        """
        history = _history(path, new_content, target)
        prompt = await build_prompt(
            target,
            conversation.system_prompt,
            history.messages,
            max_tokens=max_tokens,
            count=count,
            history_at_most=_known(path, new_content, target),
        )
        trimmed = history.depths[prompt.trimmed]
        if trimmed == 0 or not conversation.summarise or not path:
            return Context(prompt, trimmed, 0)
        summary = await self._summaries.longest(path[0].id, trimmed)
        if summary is None:
            return Context(prompt, trimmed, 0)
        try:
            # The summary takes room too, so a few messages more may have to go; it stays the same one.
            shorter = await build_prompt(
                target,
                _with_summary(conversation.system_prompt, summary),
                history.messages,
                max_tokens=max_tokens,
                count=count,
            )
        except MessageTooLong:
            # The newest message fits only without it.
            return Context(prompt, trimmed, 0)
        return Context(shorter, history.depths[shorter.trimmed], summary.messages)


@dataclass(frozen=True, slots=True)
class _History:
    """Messages that may be read, oldest first, and how far from the root each one is."""

    messages: Sequence[PromptMessage]
    depths: Sequence[int]


def _history(path: Sequence[SaidRow], new_content: str | None, target: Target) -> _History:
    budget = target.context_window * MAX_BYTES_PER_TOKEN
    messages: list[PromptMessage] = []
    depths: list[int] = []
    streaming = MessageStatus.STREAMING.value
    if new_content is not None:
        messages.append({"role": "user", "content": new_content})
        depths.append(path[0].depth + 1 if path else 0)
    for row in path:
        content = row.content
        budget -= bytes_of(content)
        if budget < 0 and messages:
            break
        # An answer that failed before its first word says nothing.
        if content and row.status != streaming:
            messages.append({"role": row.role, "content": content})
            depths.append(row.depth)
    while len(messages) > 1 and messages[-1]["role"] == Role.ASSISTANT.value:
        messages.pop()
        depths.pop()
    messages.reverse()
    depths.reverse()
    return _History(messages, depths)


def _known(path: Sequence[SaidRow], new_content: str | None, target: Target) -> int | None:
    """No fewer tokens than the history has, from what the same model said of an earlier turn that read all of
    it; None when there is no such turn."""
    newer: list[PromptMessage] = []
    if new_content is not None:
        newer.append({"role": "user", "content": new_content})
    for row in path:
        if (
            row.prompt_tokens
            and row.completion_tokens
            and row.trimmed_messages == 0
            and row.turn_status == "completed"
            and (row.model, row.revision) == (target.model, target.revision)
        ):
            # Read again, its text may be cut into other tokens than it was written in.
            answer = row.completion_tokens + row.completion_tokens // 8
            return row.prompt_tokens + answer + at_most(newer)
        newer.append({"role": row.role, "content": row.content})
    return None


def _with_summary(system_prompt: str | None, summary: SummaryRow) -> str:
    # One system message: many chat templates know no more than one, and only at the beginning.
    return f"{system_prompt}\n\n{_SUMMARY}{summary.text}" if system_prompt else _SUMMARY + summary.text
