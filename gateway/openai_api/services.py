"""What the OpenAI surface stands on."""

from dataclasses import dataclass

from auth.wiring import Auth
from gateway.background import Background
from gateway.inference import Inference
from gateway.routing.table import RoutingTable
from gateway.usage.booking import BookingQueue


@dataclass(frozen=True, slots=True)
class OpenAIServices:
    auth: Auth
    routes: RoutingTable
    inference: Inference
    booking: BookingQueue
    background: Background
