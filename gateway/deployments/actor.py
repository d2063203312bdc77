"""Who decides about a model, for the audit log and the receipts."""

from dataclasses import dataclass

from auth.visitor import Visitor

COMMAND_LINE = "command line"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, or whoever runs this machine, where `user_id` is None."""

    user_id: str | None = None
    visitor: Visitor | None = None

    @property
    def name(self) -> str:
        """As receipts call it."""
        return self.user_id or COMMAND_LINE
