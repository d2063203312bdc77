"""The only way from the gateway to the engines."""

from gateway.inference.protocol import EngineResponse, Inference, Target

__all__ = ["EngineResponse", "Inference", "Target"]
