"""The services as parameter types of endpoints.

Coroutines, though none of them waits: the framework sends a plain function to another thread and back.
"""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from gateway.account.export import AccountExport
from gateway.chat.once import TurnsOnce
from gateway.chat.service import TurnService
from gateway.comparisons.repository import ComparisonRepository
from gateway.conversations.exporting.service import ExportService
from gateway.conversations.search.service import SearchService
from gateway.conversations.service import ConversationService
from gateway.conversations.sharing.service import SharingService
from gateway.conversations.summaries.service import SummaryService
from gateway.deployments.service import Deployments
from gateway.events.hub import Hub
from gateway.events.orders import MakeOrders
from gateway.figures.repository import FigureRepository
from gateway.promotions.repository import PromotionRepository
from gateway.prompts.service import PromptService
from gateway.readiness import ReadinessChecks
from gateway.routing.queues import Queues
from gateway.routing.repository import RevisionRepository
from gateway.routing.table import RoutingTable
from gateway.usage.budgets import Budgets
from gateway.usage.repository import LedgerRepository


async def _conversations(connection: HTTPConnection) -> ConversationService:
    found: ConversationService = connection.app.state.house.conversations
    return found


async def _search(connection: HTTPConnection) -> SearchService:
    found: SearchService = connection.app.state.house.search
    return found


async def _exports(connection: HTTPConnection) -> ExportService:
    found: ExportService = connection.app.state.house.exports
    return found


async def _account_exports(connection: HTTPConnection) -> AccountExport:
    found: AccountExport = connection.app.state.house.account_exports
    return found


async def _sharing(connection: HTTPConnection) -> SharingService:
    found: SharingService = connection.app.state.house.sharing
    return found


async def _summaries(connection: HTTPConnection) -> SummaryService:
    found: SummaryService = connection.app.state.house.summaries
    return found


async def _prompts(connection: HTTPConnection) -> PromptService:
    found: PromptService = connection.app.state.house.prompts
    return found


async def _turns(connection: HTTPConnection) -> TurnService:
    found: TurnService = connection.app.state.house.turns
    return found


async def _once_turns(connection: HTTPConnection) -> TurnsOnce:
    found: TurnsOnce = connection.app.state.house.once_turns
    return found


async def _routes(connection: HTTPConnection) -> RoutingTable:
    found: RoutingTable = connection.app.state.house.routes
    return found


async def _ledger(connection: HTTPConnection) -> LedgerRepository:
    found: LedgerRepository = connection.app.state.house.ledger
    return found


async def _budgets(connection: HTTPConnection) -> Budgets:
    found: Budgets = connection.app.state.house.budgets
    return found


async def _revisions(connection: HTTPConnection) -> RevisionRepository:
    found: RevisionRepository = connection.app.state.house.revisions
    return found


async def _deployments(connection: HTTPConnection) -> Deployments:
    found: Deployments = connection.app.state.house.deployments
    return found


async def _promotions(connection: HTTPConnection) -> PromotionRepository:
    found: PromotionRepository = connection.app.state.house.promotions
    return found


async def _figures(connection: HTTPConnection) -> FigureRepository:
    found: FigureRepository = connection.app.state.house.figures
    return found


async def _comparisons(connection: HTTPConnection) -> ComparisonRepository:
    found: ComparisonRepository = connection.app.state.house.comparisons
    return found


async def _queues(connection: HTTPConnection) -> Queues:
    found: Queues = connection.app.state.house.queues
    return found


async def _hub(connection: HTTPConnection) -> Hub:
    found: Hub = connection.app.state.house.hub
    return found


async def _orders(connection: HTTPConnection) -> MakeOrders:
    found: MakeOrders = connection.app.state.house.socket_orders
    return found


async def _readiness(connection: HTTPConnection) -> ReadinessChecks:
    found: ReadinessChecks = connection.app.state.house.readiness
    return found


Conversations = Annotated[ConversationService, Depends(_conversations)]
Search = Annotated[SearchService, Depends(_search)]
AccountExports = Annotated[AccountExport, Depends(_account_exports)]
Exports = Annotated[ExportService, Depends(_exports)]
Sharing = Annotated[SharingService, Depends(_sharing)]
Summaries = Annotated[SummaryService, Depends(_summaries)]
Prompts = Annotated[PromptService, Depends(_prompts)]
Turns = Annotated[TurnService, Depends(_turns)]
OnceTurns = Annotated[TurnsOnce, Depends(_once_turns)]
Routes = Annotated[RoutingTable, Depends(_routes)]
Ledger = Annotated[LedgerRepository, Depends(_ledger)]
PersonBudgets = Annotated[Budgets, Depends(_budgets)]
Revisions = Annotated[RevisionRepository, Depends(_revisions)]
CurrentDeployments = Annotated[Deployments, Depends(_deployments)]
Promotions = Annotated[PromotionRepository, Depends(_promotions)]
AllFigures = Annotated[FigureRepository, Depends(_figures)]
Comparisons = Annotated[ComparisonRepository, Depends(_comparisons)]
EngineQueues = Annotated[Queues, Depends(_queues)]
SocketOrders = Annotated[MakeOrders, Depends(_orders)]
EventHub = Annotated[Hub, Depends(_hub)]
Readiness = Annotated[ReadinessChecks, Depends(_readiness)]
