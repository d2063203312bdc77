"""How urgent a request to an engine is, as the gateway says it and the serving side hears it."""

from enum import IntEnum


class Priority(IntEnum):
    """The values are vLLM's: the lowest is first, and the last to lose its place when memory runs out."""

    CHAT = 0
    API = 10
    JOB = 20

    @property
    def header(self) -> str:
        """As it stands in the header field."""
        return self.name.lower()
