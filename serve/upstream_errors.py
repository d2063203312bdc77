"""What goes wrong with somebody else's service, in OpenAI's shape."""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


class RouteError(Exception):
    """The request ends here; rendered in OpenAI's shape."""

    def __init__(
        self, status: int, kind: str, code: str, message: str, *, retry_after: float | None = None
    ) -> None:
        self.status, self.kind, self.code, self.message = status, kind, code, message
        self.retry_after = retry_after
        super().__init__(message)


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a Retry-After header asks for, as seconds or as an HTTP date; None if unreadable."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            then = parsedate_to_datetime(value)
        except ValueError:
            return None
        if then.tzinfo is None:
            then = then.replace(tzinfo=UTC)
        seconds = (then - (now or datetime.now(UTC))).total_seconds()
    return max(seconds, 0.0) if math.isfinite(seconds) else None
