"""Begin, follow, stop and repeat turns."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from auth.principal import Principal
from core.errors import ModelNotReady, NotFound, TurnRunning
from core.ids import new_id
from core.telemetry import new_traceparent
from gateway.chat.continuation import request_of
from gateway.chat.events import Event
from gateway.chat.following import Followers
from gateway.chat.live_log import LiveLog
from gateway.chat.prompt import PromptMessage, build_prompt
from gateway.chat.repository import TurnRepository
from gateway.chat.runner import TurnRunner
from gateway.chat.schemas import Parameters, RetryIn, TurnIn
from gateway.chat.tables import TurnRow, TurnStart, TurnStatus
from gateway.conversations.repository import ConversationRepository
from gateway.conversations.service import ConversationService
from gateway.conversations.tables import ConversationRow, MessageRow, MessageStatus, Role
from gateway.events.bus import EventBus
from gateway.inference import Inference, Target
from gateway.inference.tokens import count_prompt_tokens
from gateway.routing.table import RoutingTable

# No prompt is made of more messages than this, and of no more bytes for each token of the window.
MAX_HISTORY_MESSAGES = 400
MAX_BYTES_PER_TOKEN = 16


@dataclass(frozen=True, slots=True)
class Begun:
    """A turn that is stored and running."""

    turn: TurnStart
    log: LiveLog


class TurnService:
    """What a person does with turns. Another person's are not there."""

    def __init__(
        self,
        conversations: ConversationService,
        history: ConversationRepository,
        turns: TurnRepository,
        runner: TurnRunner,
        followers: Followers,
        routes: RoutingTable,
        inference: Inference,
        bus: EventBus,
    ) -> None:
        self._conversations = conversations
        self._history = history
        self._turns = turns
        self._runner = runner
        self._followers = followers
        self._routes = routes
        self._inference = inference
        self._bus = bus

    async def begin(
        self, principal: Principal, conversation_id: str, wanted: TurnIn, traceparent: str | None
    ) -> Begun:
        """A new message and its answer.

        Raises: NotFound, TurnRunning, ModelNotFound, ModelNotReady, MessageTooLong, Overloaded, Unavailable.
        """
        conversation = await self._idle(principal, conversation_id)
        target = self._target(wanted.model or conversation.model)
        path = (
            await self._history.path(conversation.head_message_id, MAX_HISTORY_MESSAGES)
            if conversation.head_message_id
            else []
        )
        return await self._launch(
            conversation,
            target,
            path,
            new_content=wanted.content,
            user_message_id=new_id("msg"),
            parameters=wanted,
            traceparent=new_traceparent(traceparent),
        )

    async def retry(
        self, principal: Principal, turn_id: str, wanted: RetryIn, traceparent: str | None
    ) -> Begun:
        """Another answer to the same message; the earlier one leaves the visible path."""
        row = await self._require(principal, turn_id)
        conversation = await self._idle(principal, row.start.conversation_id)
        target = self._target(wanted.model or row.start.model)
        path = await self._history.path(row.start.user_message_id, MAX_HISTORY_MESSAGES)
        return await self._launch(
            conversation,
            target,
            path,
            new_content=None,
            user_message_id=row.start.user_message_id,
            parameters=Parameters.model_validate(row.start.parameters),
            traceparent=new_traceparent(traceparent),
        )

    async def stop(self, principal: Principal, turn_id: str) -> str:
        """Ask a turn to stop; says what it is doing now."""
        row = await self._require(principal, turn_id)
        if row.status.terminal:
            return row.status.value
        await self._stop(turn_id)
        return "stopping"

    async def stop_in(self, conversation_id: str) -> None:
        """Stop whatever runs in a conversation that was deleted."""
        turn_id = await self._turns.running_in(conversation_id)
        if turn_id is not None:
            await self._stop(turn_id)

    async def _stop(self, turn_id: str) -> None:
        if not self._runner.stop_turn(turn_id):
            # Heard by the process that runs it now, and read by the one that may take it over.
            await self._turns.ask_to_stop(turn_id)
            await self._bus.ask_to_stop(turn_id)

    async def follow(self, principal: Principal, turn_id: str, after: int) -> AsyncIterator[Sequence[Event]]:
        """Events above `after`; an empty batch now and then keeps the connection awake.

        Raises core.errors.NotFound, before the first batch, when the turn is not this person's.
        """
        row = await self._require(principal, turn_id)
        return self._followers.follow(row, after)

    async def _require(self, principal: Principal, turn_id: str) -> TurnRow:
        row = await self._turns.get(principal.user_id, turn_id)
        if row is None:
            raise NotFound("This turn is not there.")
        return row

    async def _idle(self, principal: Principal, conversation_id: str) -> ConversationRow:
        conversation = await self._conversations.require(principal.user_id, conversation_id)
        if conversation.running_turn_id is not None:
            raise TurnRunning()
        self._runner.require_room()
        return conversation

    def _target(self, name: str | None) -> Target:
        if name is not None:
            return self._routes.resolve(name)
        for route in self._routes.routes():
            if route.target is not None:
                return route.target
        raise ModelNotReady("No model is ready yet. Try again in a moment.", retry_after=5)

    async def _launch(
        self,
        conversation: ConversationRow,
        target: Target,
        path: Sequence[MessageRow],
        *,
        new_content: str | None,
        user_message_id: str,
        parameters: Parameters,
        traceparent: str,
    ) -> Begun:
        turn_id = new_id("trn")
        history, unread = _history(path, new_content, target)

        async def count(messages: Sequence[PromptMessage]) -> int:
            return await count_prompt_tokens(
                self._inference, target, messages, request_id=turn_id, traceparent=traceparent
            )

        prompt = await build_prompt(
            target, conversation.system_prompt, history, max_tokens=parameters.max_tokens, count=count
        )
        chosen = parameters.model_dump(
            include={"temperature", "top_p", "max_tokens", "seed", "stop"}, exclude_none=True
        )
        turn = TurnStart(
            id=turn_id,
            user_id=conversation.user_id,
            conversation_id=conversation.id,
            user_message_id=user_message_id,
            answer_id=new_id("msg"),
            model=target.model,
            revision=target.revision,
            trimmed_messages=prompt.trimmed + unread,
            parameters=chosen,
            traceparent=traceparent,
        )
        running, persisted = self._runner.launch(
            turn,
            target,
            request_of(target, prompt.messages, prompt.max_tokens, chosen),
            lambda: self._turns.begin(
                turn,
                parent_id=conversation.head_message_id,
                content=new_content,
                runner=self._runner.name,
            ),
        )
        await asyncio.shield(persisted)
        await self._bus.publish(
            turn.user_id,
            {
                "type": "turn.started",
                "conversation_id": turn.conversation_id,
                "turn_id": turn.id,
                "status": TurnStatus.RUNNING.value,
            },
        )
        return Begun(turn, running.log.shown)


def _history(
    path: Sequence[MessageRow], new_content: str | None, target: Target
) -> tuple[list[PromptMessage], int]:
    """The prompt's messages, oldest first, and how many were too far back to be looked at."""
    budget = target.context_window * MAX_BYTES_PER_TOKEN
    messages: list[PromptMessage] = []
    if new_content is not None:
        messages.append({"role": "user", "content": new_content})
    read = 0
    for row in path:
        budget -= len(row.content.encode())
        if budget < 0 and messages:
            break
        read += 1
        # An answer that failed before its first word says nothing.
        if row.content and row.status is not MessageStatus.STREAMING:
            messages.append({"role": row.role.value, "content": row.content})
    messages.reverse()
    while len(messages) > 1 and messages[0]["role"] == Role.ASSISTANT.value:
        messages.pop(0)
        read -= 1
    total = path[0].depth + 1 if path else 0
    return messages, total - read
