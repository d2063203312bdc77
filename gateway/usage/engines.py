"""What the engines say that they did, as control hands it on."""

from typing import Annotated, Protocol

import msgspec

_Name = Annotated[str, msgspec.Meta(max_length=400)]
_Total = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
_Tokens = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class ReplicaCounters(msgspec.Struct, frozen=True):
    """One replica since it started; its name is never used again. `started_at` in seconds since the epoch."""

    replica: _Name
    model: _Name
    revision: _Name
    started_at: Annotated[float, msgspec.Meta(ge=0, le=2**36)]
    requests: _Total
    prompt_tokens: _Total
    completion_tokens: _Total


class CutOff(msgspec.Struct, frozen=True):
    """A request that did not come to its end in the engine. `exact`: False where the engine made at least
    this and did not say how much."""

    replica: _Name
    number: _Total
    reference: _Name
    prompt_tokens: _Tokens
    completion_tokens: _Tokens
    exact: bool


class EngineReport(msgspec.Struct, frozen=True):
    """Everything since `last` of the same `epoch`."""

    epoch: _Name
    last: _Total
    replicas: list[ReplicaCounters]
    records: list[CutOff]


class EngineUsage(Protocol):
    """Where the figures come from."""

    async def usage(self, epoch: str, after: int) -> EngineReport:
        """Raises core.errors.Unavailable."""
        ...
