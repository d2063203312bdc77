"""The wiring: every service of the gateway, built once and handed to whoever needs it."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack

import orjson

from auth.accounts.hashing import Hasher
from auth.principal import Principal
from auth.wiring import Auth
from core.clock import Clock, SystemClock
from core.keyvalue import KeyValue
from core.log import get_logger
from core.postgres import Postgres
from core.settings import Settings
from gateway.account.erasure import AccountErasure
from gateway.account.export import AccountExport
from gateway.background import Background
from gateway.chat.context import ContextBuilder
from gateway.chat.following import Followers
from gateway.chat.generation import Generation
from gateway.chat.keeper import TurnKeeper
from gateway.chat.live_log import ProcessLiveLogs
from gateway.chat.log_store import LogStore
from gateway.chat.mirror import Mirrors
from gateway.chat.once import TurnsOnce
from gateway.chat.own_log import LogWriter
from gateway.chat.places import Places
from gateway.chat.repository import TurnRepository
from gateway.chat.runner import TurnRunner
from gateway.chat.service import TurnService
from gateway.chat.socket_follows import SocketFollows
from gateway.comparisons.repository import ComparisonRepository
from gateway.conversations.exporting.service import ExportService
from gateway.conversations.history import HistoryRepository
from gateway.conversations.repository import ConversationRepository
from gateway.conversations.search.repository import SearchRepository
from gateway.conversations.search.service import SearchService
from gateway.conversations.service import ConversationService
from gateway.conversations.sharing.repository import ShareRepository
from gateway.conversations.sharing.service import SharingService
from gateway.conversations.summaries.repository import SummaryRepository
from gateway.conversations.summaries.service import SummaryService
from gateway.deployments.service import Deployments
from gateway.evaluations.repository import EvaluationRepository
from gateway.evaluations.service import Evaluations
from gateway.events.bus import EventBus
from gateway.events.hub import Hub
from gateway.events.orders import Orders, SendFrame
from gateway.figures.recorder import FigureRecorder
from gateway.figures.repository import FigureRepository
from gateway.follow_ups import TurnFollowUps
from gateway.idempotency.repository import IdempotencyRepository
from gateway.idempotency.service import Idempotency
from gateway.inference import Inference
from gateway.internal_listener import InternalListener
from gateway.jobs.news import JobNews
from gateway.jobs.service import JobService
from gateway.openai_api.account import Accounts
from gateway.openai_api.body import ChatHead
from gateway.openai_api.relay import CompletionRelay
from gateway.openai_api.services import OpenAIServices
from gateway.parts import Part, default_budget, make_inference, make_jobs
from gateway.promotions.conductor import Conductor
from gateway.promotions.repository import PromotionRepository
from gateway.prompts.repository import PromptRepository
from gateway.prompts.service import PromptService
from gateway.purge import Purge
from gateway.readiness import ReadinessChecks
from gateway.routing.control import Control, HttpControl
from gateway.routing.queues import Queues
from gateway.routing.reconciler import Reconciler
from gateway.routing.repository import RevisionRepository
from gateway.routing.schemas import ModelOut
from gateway.routing.table import Route, RoutingTable
from gateway.shadows.copies import Copies
from gateway.shadows.repository import ShadowRepository
from gateway.usage.admission import Admission
from gateway.usage.booking import BookingQueue
from gateway.usage.budgets import Budgets
from gateway.usage.comparison import Comparison
from gateway.usage.journal import Journal
from gateway.usage.news import LimitNews
from gateway.usage.reconciler import LedgerReconciler
from gateway.usage.repository import LedgerRepository
from gateway.usage.upkeep import LedgerUpkeep
from models.catalogue import Catalogue

log = get_logger(__name__)


class House:
    """Everything one gateway process is made of. Nothing is opened before `start`."""

    def __init__(
        self,
        settings: Settings,
        *,
        inference: Inference | None = None,
        control: Control | None = None,
        clock: Clock | None = None,
        hasher: Hasher | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self.settings = settings
        self.postgres = Postgres(
            settings.database_url.get_secret_value(),
            size=settings.database_pool_size,
            timeout=settings.database_timeout,
        )
        self.keyvalue = KeyValue(settings.redis_url.get_secret_value())
        self.auth = Auth(settings, self.postgres, self.keyvalue, clock, hasher=hasher)
        self.background = Background()
        self.bus = EventBus(self.keyvalue)
        self.hub = Hub()

        self.inference = inference or make_inference(settings)
        self.revisions = RevisionRepository(self.postgres)
        self.routes = RoutingTable(self.revisions)
        self.control = control or HttpControl(settings.serve_url, settings.internal_token.get_secret_value())
        self.reconciler = Reconciler(self.postgres, self.revisions, self.control)
        self.figures = FigureRepository(self.postgres)
        self.recorder = FigureRecorder(self.figures, clock)
        self.promotions = PromotionRepository(self.postgres)
        jobs = make_jobs(settings, self.postgres)
        self.evaluation_rows = EvaluationRepository(self.postgres)
        self.evaluations = Evaluations(self.postgres, self.evaluation_rows, jobs)
        self.conductor = Conductor(self.revisions, self.promotions, self.figures, self.evaluations, clock)
        self.deployments = Deployments(
            self.revisions, self.promotions, self.control, self.auth.audit, self.evaluation_rows
        )

        budget = default_budget(settings)
        self.ledger = LedgerRepository(self.postgres, default_budget=budget)
        self.budgets = Budgets(self.postgres, clock, default_budget=budget)
        admission = Admission(self.budgets)
        journals = settings.var_dir / "ledger"
        self.booking = BookingQueue(self.ledger, Journal(journals))
        self.ledger_upkeep = LedgerUpkeep(self.ledger, self.booking, journals)
        comparison = Comparison(self.postgres)
        self.ledger_reconciler = LedgerReconciler(self.postgres, comparison, self.control, clock)

        self.shadows = ShadowRepository(self.postgres)
        self.copies = Copies(self.routes, self.inference, self.booking, self.shadows)

        history = ConversationRepository(self.postgres)
        found = SearchRepository(self.postgres)
        summaries = SummaryRepository(self.postgres)
        turn_rows = TurnRepository(self.postgres, self.ledger, TurnFollowUps(jobs, found, summaries))
        logs = ProcessLiveLogs()
        log_store = LogStore(self.keyvalue)
        self.log_writer = LogWriter(log_store)
        self.mirrors = Mirrors(log_store)
        self.runner = TurnRunner(
            Generation(
                self.inference,
                clock,
                turn_timeout=settings.turn_timeout,
                continue_timeout=settings.continue_timeout,
            ),
            logs,
            log_store,
            self.log_writer,
            turn_rows,
            self.bus,
            self.recorder,
            self.copies,
            clock,
            turn_timeout=settings.turn_timeout,
            drain_timeout=settings.drain_timeout,
            most=settings.max_concurrent_turns,
        )
        self.queues = Queues(self.control)
        self.places = Places(self.runner, self.queues, clock)
        self.keeper = TurnKeeper(self.runner, turn_rows, log_store, self.routes, self.bus)
        self.conversations = ConversationService(history, self.bus)
        self.followers = Followers(logs, self.mirrors, turn_rows)
        self.search = SearchService(found)
        self.exports = ExportService(self.conversations, history)
        self.sharing = SharingService(ShareRepository(self.postgres), self.conversations, history)
        self.prompts = PromptService(PromptRepository(self.postgres))
        self.account_exports = AccountExport(
            self.auth, self.conversations, self.exports, self.prompts, self.ledger
        )
        self.turns = TurnService(
            self.conversations,
            history,
            HistoryRepository(self.postgres),
            turn_rows,
            self.runner,
            self.followers,
            self.routes,
            ContextBuilder(self.inference, summaries),
            self.bus,
            admission,
        )
        self.idempotency = IdempotencyRepository(self.postgres)
        idempotency = Idempotency(self.idempotency)
        self.erasure = AccountErasure(self.postgres, self.auth.deletion)
        self.purge = Purge(
            [
                self.shadows.purge,
                self.budgets.purge,
                self.idempotency.purge,
                comparison.purge,
                self.figures.purge,
                self.erasure.step,
            ]
        )
        self.once_turns = TurnsOnce(self.turns, idempotency)
        self.summaries = SummaryService(summaries, self.conversations)
        self.jobs = JobService(
            self.postgres, jobs, self.conversations, history, idempotency, JobNews(jobs, self.bus)
        )
        self.conversations.after_delete(self.turns.stop_in)

        self.openai = OpenAIServices(
            auth=self.auth,
            routes=self.routes,
            inference=self.inference,
            accounts=Accounts(self.postgres, self.ledger, admission, self.booking),
            background=self.background,
            figures=self.recorder,
            copies=self.copies,
        )
        self.chat_relay = CompletionRelay(self.openai, "/v1/chat/completions", ChatHead)
        self.comparisons = ComparisonRepository(self.postgres)
        self.readiness = ReadinessChecks(
            {"postgres": self.postgres.check, "valkey": self.keyvalue.check, "ray": self._check_serving},
            self._model_states,
        )
        self.internal = InternalListener(settings.metrics_host, settings.metrics_port, self.readiness)
        self._opened = AsyncExitStack()
        self._left: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open everything, in the order in which it stands on each other."""
        parts: list[Part] = [
            self.internal,
            self.postgres,
            self.keyvalue,
            self.auth,
            self.inference,
            self.control,
            self.booking,
            self.recorder,
            self.copies,
            self.ledger_upkeep,
            self.purge,
        ]
        try:
            for part in parts:
                await self._open(part)
            if self.settings.models:
                await self._want_models()
            await self._open(self.routes)
            await self._open(self.reconciler)
            await self._open(self.conductor)
            await self._open(self.log_writer)
            await self._open(self.mirrors)
            await self._open(self.ledger_reconciler)
            await self._open(self.keeper)
            await self._open(self.places)
            self._opened.push_async_callback(self.background.stop)
            news = LimitNews(self.hub, self.budgets, self.auth.request_limits, self.background)
            await self.bus.listen(news, self._stop_turn)
            self._opened.push_async_callback(self.bus.stop)
            # Last in, first out: running turns end while everything they need is still there.
            self._opened.push_async_callback(self.runner.stop)
            self.routes.on_change(self._tell_model)
        except BaseException:
            await self._opened.aclose()
            raise

    def leave(self) -> None:
        """Begin the end: what runs is finished or handed over, and what follows it is sent elsewhere."""
        self.readiness.drain()
        if self._left is None:
            self._left = asyncio.create_task(self._leave(), name="leave")

    async def stop(self) -> None:
        """Close everything in reverse order, each within its bound."""
        self.leave()
        assert self._left is not None  # noqa: S101 - made by `leave`
        (failure,) = await asyncio.gather(self._left, return_exceptions=True)
        if failure is not None:
            # The rest is closed all the same; what was not handed over is found by its lease.
            log.error("house.left_untidily", error=repr(failure))
        await self._opened.aclose()

    async def _leave(self) -> None:
        # First of all those who only look on: they have the rest from another process.
        self.hub.close_all()
        self.followers.leave()
        await self.runner.stop()
        # Given up at once, so that others take over what was left to them.
        await self.keeper.stop()

    async def _open(self, part: Part) -> None:
        await part.start()
        self._opened.push_async_callback(part.stop)

    async def _want_models(self) -> None:
        """HEADRACE_MODELS names what should be served from this start on, beside what operators decided."""
        catalogue = Catalogue.load(self.settings.model_config_dirs)
        await self.revisions.want_configured([catalogue.get(name) for name in self.settings.models])

    def socket_orders(self, principal: Principal, send: SendFrame) -> Orders:
        """What the client of one socket may ask for."""
        return SocketFollows(self.turns, principal, send)

    async def _stop_turn(self, turn_id: str) -> None:
        self.runner.stop_turn(turn_id)

    async def _check_serving(self) -> None:
        await self.control.applications()

    def _model_states(self) -> Mapping[str, str]:
        return {route.name: route.row.state.value for route in self.routes.routes()}

    def _tell_model(self, route: Route) -> None:
        event = {"type": "model.updated", "model": ModelOut.of(route).model_dump(mode="json")}
        self.hub.deliver_of_model(route.name, orjson.dumps(event))
