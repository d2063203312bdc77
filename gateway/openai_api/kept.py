"""What a client was told, kept where a shadow is asked the same and both are compared."""

from dataclasses import replace
from typing import Any, Final

import orjson

from core.errors import EngineFailed
from gateway.inference import Target
from gateway.openai_api.body import Request
from gateway.shadows.reading import Reading
from gateway.shadows.tables import Answered

# A longer answer is not compared.
MOST_BYTES: Final = 4 * 1024 * 1024


class Kept:
    """The bytes of one answer."""

    __slots__ = ("_bytes", "_whole")

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._whole = True

    def add(self, piece: bytes) -> None:
        """More of it."""
        if len(self._bytes) + len(piece) > MOST_BYTES:
            self._whole = False
            self._bytes.clear()
        if self._whole:
            self._bytes += piece

    def answered(
        self, user_id: str | None, target: Target, request: Request[Any], *, begun: float, wait: float | None
    ) -> Answered | None:
        """The request and its answer; None where the answer was too long, or is none.

        Args:
            begun: when the request came, of time.perf_counter.
            wait: seconds to its first token, of an answer that streams.
        """
        if not self._whole or user_id is None:
            return None
        reading = Reading()
        try:
            if request.stream:
                reading.feed(bytes(self._bytes))
            else:
                reading.whole(bytes(self._bytes))
        except EngineFailed:
            return None
        said = reading.said(begun)
        return Answered(
            user_id=user_id,
            conversation_id=None,
            target=target,
            request=orjson.loads(request.body),
            # It was read only now: when its first token came is known from elsewhere.
            said=replace(said, first_ms=round(wait * 1000, 1) if wait is not None else None),
        )
