"""The only way from the gateway to the engines."""

from core.priority import Priority
from gateway.inference.claim import Claim
from gateway.inference.protocol import EngineResponse, Inference, Target

__all__ = ["Claim", "EngineResponse", "Inference", "Priority", "Target"]
