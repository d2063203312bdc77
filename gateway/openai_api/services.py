"""What the OpenAI surface stands on."""

from dataclasses import dataclass

from auth.wiring import Auth
from gateway.background import Background
from gateway.figures.recorder import FigureRecorder
from gateway.inference import Inference
from gateway.openai_api.account import Accounts
from gateway.routing.table import RoutingTable
from gateway.shadows.copies import Copies


@dataclass(frozen=True, slots=True)
class OpenAIServices:
    auth: Auth
    routes: RoutingTable
    inference: Inference
    accounts: Accounts
    background: Background
    figures: FigureRecorder
    copies: Copies
