"""The only way from the gateway to the engines."""

from gateway.inference.claim import Claim, Priority
from gateway.inference.protocol import EngineResponse, Inference, Target

__all__ = ["Claim", "EngineResponse", "Inference", "Priority", "Target"]
