"""Begin, follow, stop and repeat turns."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial

from auth.principal import Principal, may_ask, require_may_ask
from core.errors import Invalid, ModelNotReady, NotFound, TurnRunning
from core.ids import new_id
from core.telemetry import new_traceparent
from gateway.chat.context import MAX_HISTORY_MESSAGES, ContextBuilder
from gateway.chat.continuation import request_of
from gateway.chat.events import Event
from gateway.chat.following import Followers
from gateway.chat.live_log import LiveLog
from gateway.chat.repository import TurnRepository
from gateway.chat.runner import TurnRunner
from gateway.chat.schemas import RetryIn, TurnIn
from gateway.chat.tables import TurnRow, TurnStart, TurnStatus
from gateway.conversations.history import HistoryRepository
from gateway.conversations.messages import MessageRepository
from gateway.conversations.parameters import Parameters
from gateway.conversations.service import ConversationService
from gateway.conversations.tables import ConversationRow, Role, SaidRow
from gateway.events.bus import EventBus
from gateway.inference import Target
from gateway.routing.table import RoutingTable
from gateway.usage.admission import Admission


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
        messages: MessageRepository,
        history: HistoryRepository,
        turns: TurnRepository,
        runner: TurnRunner,
        followers: Followers,
        routes: RoutingTable,
        contexts: ContextBuilder,
        bus: EventBus,
        admission: Admission,
    ) -> None:
        self._conversations = conversations
        self._messages = messages
        self._history = history
        self._turns = turns
        self._runner = runner
        self._followers = followers
        self._routes = routes
        self._contexts = contexts
        self._bus = bus
        self._admission = admission

    async def begin(
        self,
        principal: Principal,
        conversation_id: str,
        wanted: TurnIn,
        traceparent: str | None,
        turn_id: str,
    ) -> Begun:
        """A new message and its answer, under a new `turn_id`.

        Raises: NotFound, TurnRunning, ModelNotFound, ModelNotReady, MessageTooLong, BudgetExhausted,
        Overloaded, Unavailable.
        """
        if "parent_id" in wanted.model_fields_set:
            conversation = await self._idle(principal, conversation_id)
            parent_id = await self._parent(conversation, wanted.parent_id)
            path = (
                await self._history.above(conversation_id, parent_id, MAX_HISTORY_MESSAGES)
                if parent_id
                else []
            )
        else:
            # Both at once, the longer one first: somebody waits. The path is of use only where the other does
            # not refuse.
            path, conversation = await asyncio.gather(
                self._history.visible(conversation_id, MAX_HISTORY_MESSAGES),
                self._idle(principal, conversation_id),
            )
            parent_id = path[0].id if path else None
        targets = self._targets(principal, wanted.model or conversation.model, conversation_id)
        return await self._launch(
            principal,
            conversation,
            wanted.model or conversation.model,
            targets,
            path,
            new_content=wanted.content,
            parent_id=parent_id,
            turn_id=turn_id,
            user_message_id=new_id("msg"),
            parameters=wanted.over(conversation.parameters),
            traceparent=new_traceparent(traceparent),
        )

    async def retry(
        self,
        principal: Principal,
        turn_id: str,
        wanted: RetryIn,
        traceparent: str | None,
        new_turn_id: str,
    ) -> Begun:
        """Another answer to the same message, under a new id; the earlier one leaves the visible path."""
        row = await self._require(principal, turn_id)
        conversation = await self._idle(principal, row.start.conversation_id)
        name = wanted.model or row.start.model
        targets = self._targets(principal, name, conversation.id)
        path = await self._history.above(conversation.id, row.start.user_message_id, MAX_HISTORY_MESSAGES)
        return await self._launch(
            principal,
            conversation,
            name,
            targets,
            path,
            new_content=None,
            parent_id=None,
            turn_id=new_turn_id,
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

    async def find(self, principal: Principal, turn_id: str) -> TurnStart | None:
        """A turn of this person, or None."""
        row = await self._turns.get(principal.user_id, turn_id)
        return row.start if row else None

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

    async def _parent(self, conversation: ConversationRow, parent_id: str | None) -> str | None:
        """Where the new message goes: below an answer, or None for a new root."""
        if parent_id is None:
            return None
        parent = await self._messages.in_conversation(conversation.id, parent_id)
        if parent is None:
            raise NotFound("The message to go on from is not in this conversation.")
        if parent.role is Role.USER:
            raise Invalid(
                "A message goes below an answer. To edit a message, name the parent of that message.",
                fields=[("parent_id", "not an answer")],
            )
        return parent.id

    def _targets(self, principal: Principal, name: str | None, conversation_id: str) -> Sequence[Target]:
        """Who is asked, and who would be asked instead. Without a name, the first model that answers."""
        allowed = partial(may_ask, principal)
        if name is not None:
            require_may_ask(principal, name)
            return self._routes.targets(name, conversation_id, allowed)
        for route in self._routes.routes():
            if route.shares and may_ask(principal, route.name):
                return self._routes.targets(route.name, conversation_id, allowed)
        raise ModelNotReady("No model is ready yet. Try again in a moment.", retry_after=5)

    async def _launch(
        self,
        principal: Principal,
        conversation: ConversationRow,
        name: str | None,
        targets: Sequence[Target],
        path: Sequence[SaidRow],
        *,
        turn_id: str,
        new_content: str | None,
        parent_id: str | None,
        user_message_id: str,
        parameters: Parameters,
        traceparent: str,
    ) -> Begun:
        target = targets[0]
        count = self._contexts.counter(target, turn_id=turn_id, traceparent=traceparent)
        context = await self._contexts.build(
            conversation, target, path, new_content, max_tokens=parameters.max_tokens, count=count
        )
        prompt = context.prompt
        chosen = parameters.chosen()
        turn = TurnStart(
            id=turn_id,
            user_id=conversation.user_id,
            conversation_id=conversation.id,
            user_message_id=user_message_id,
            answer_id=new_id("msg"),
            model=target.model,
            revision=target.revision,
            trimmed_messages=context.trimmed,
            summarised_messages=context.summarised,
            parameters=chosen,
            traceparent=traceparent,
        )

        async def begin(tokens: int) -> None:
            await self._turns.begin(
                turn,
                parent_id=parent_id,
                content=new_content,
                model=name or target.model,
                runner=self._runner.name,
                tokens=tokens,
            )

        async def admit() -> None:
            await self._admission.admit(
                begin,
                user_id=turn.user_id,
                key_id=None,
                answer=prompt.max_tokens,
                prompt_at_most=prompt.tokens_at_most,
                count=None if prompt.counted else lambda: count(prompt.messages),
            )

        request = request_of(target, prompt.messages, prompt.max_tokens, chosen)
        persisted = asyncio.create_task(self._runner.persist(turn, request, admit))
        if principal.budgeted:
            # Nobody whose budget is used up makes the engine work.
            await asyncio.shield(persisted)
        running = self._runner.launch(turn, targets, request, persisted)
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
