"""The headers of requests that are made once."""

from typing import Annotated, Final

from fastapi import Header

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]

# On the answer to a request that had been made before.
REPLAYED: Final = "Idempotency-Replayed"
