"""How many replicas a backlog of tokens wants: autoscaling where requests differ too much to be counted."""

import math
from typing import Any, Final, Protocol

BACKLOG: Final = "headrace_backlog_tokens"


class Situation(Protocol):
    """What is read of Serve's AutoscalingContext."""

    @property
    def aggregated_metrics(self) -> dict[str, dict[Any, float]] | None:
        """By the metric's name and the replica: the figure over the time that Serve looks back."""

    @property
    def total_num_requests(self) -> float:
        """Requests that run or wait."""

    @property
    def policy_state(self) -> dict[str, Any]:
        """Kept by Serve from one decision to the next."""


class ByBacklog:
    """A policy for Serve, which pickles it by value: nothing of ours is imported where it runs.

    Args:
        tokens: how many of a backlog one replica should have before it: prompts, and the most that their
            answers may produce, of all requests that run or wait.
    """

    def __init__(self, tokens: int) -> None:
        self._tokens = tokens

    def __call__(self, ctx: Situation) -> tuple[float, dict[str, Any]]:
        """The replicas wanted; bounds and delays are Serve's. At least one while there is any request."""
        backlog = sum((ctx.aggregated_metrics or {}).get(BACKLOG, {}).values())
        least = 1 if ctx.total_num_requests > 0 else 0
        return max(least, math.ceil(backlog / self._tokens)), ctx.policy_state
