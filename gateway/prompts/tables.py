"""Rows of prompts."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PromptScope(StrEnum):
    PERSONAL = "personal"
    EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class PromptRow:
    id: str
    user_id: str
    scope: PromptScope
    name: str
    description: str
    template: str
    updated_at: datetime
