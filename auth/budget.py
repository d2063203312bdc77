"""How many tokens a person or a key may use. What was used is counted by the gateway's ledger."""

from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from core.postgres import Record

MOST_TOKENS = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Budget:
    """Tokens of prompts and answers together, a UTC day and a UTC month; None: no bound of its own."""

    day: int | None = None
    month: int | None = None

    def __bool__(self) -> bool:
        return self.day is not None or self.month is not None

    @classmethod
    def of(cls, record: Record) -> Self:
        """From a record that holds tokens_per_day and tokens_per_month."""
        return cls(record["tokens_per_day"], record["tokens_per_month"])


NO_BUDGET = Budget()

_Tokens = Annotated[int, Field(ge=0, le=MOST_TOKENS)]


class BudgetBody(BaseModel):
    """A budget on the wire. What is null or left out has no bound of its own."""

    model_config = ConfigDict(extra="forbid")

    day: _Tokens | None = None
    month: _Tokens | None = None

    @classmethod
    def of(cls, budget: Budget) -> Self:
        return cls(day=budget.day, month=budget.month)

    def budget(self) -> Budget:
        return Budget(self.day, self.month)
