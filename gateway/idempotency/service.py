"""Do something once for each key, however often and wherever the request arrives.

A claim names the id of what the request is going to make. Whether it took effect is then not a second truth
that could be lost in a crash: it is whether something with this id exists. Who tries again after a failure
gets the same id, so the database itself refuses to make it twice.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import orjson

from core.errors import HeadraceError, IdempotencyInFlight, IdempotencyMismatch, NotFound
from core.log import get_logger
from gateway.idempotency.repository import IdempotencyRepository

log = get_logger(__name__)

Made = TypeVar("Made")
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Once(Generic[Made, Found]):
    """Exactly one of the two: what this request made, or what an earlier one with its key had made."""

    made: Made | None = None
    found: Found | None = None


def fingerprint(address: str, body: Mapping[str, object]) -> bytes:
    """Of a request: its method and path, and its body as it was understood."""
    return hashlib.sha256(
        address.encode() + b"\n" + orjson.dumps(dict(body), option=orjson.OPT_SORT_KEYS)
    ).digest()


class Idempotency:
    """Keys of people. What is made, and how it is found again, is the caller's."""

    def __init__(self, repository: IdempotencyRepository) -> None:
        self._repository = repository

    async def once(
        self,
        user_id: str,
        key: str,
        wanted: bytes,
        fresh: str,
        make: Callable[[str], Awaitable[Made]],
        find: Callable[[str], Awaitable[Found | None]],
    ) -> Once[Made, Found]:
        """Make it, unless an earlier request with this key did.

        Args:
            wanted: the request's fingerprint.
            fresh: the id of what is made, if this is the first request.
            make: makes it under the id that it is given; must fail when there is one with this id.
            find: what is there under an id, or None.

        Raises: IdempotencyInFlight while another request with the key is at work; IdempotencyMismatch when
        the key came with another request; NotFound when what was made is gone; and what `make` raises,
        which makes the key free again.
        """
        if await self._repository.claim(user_id, key, wanted, fresh):
            return Once(made=await self._make(user_id, key, fresh, make))
        row = await self._repository.find(user_id, key)
        if row is None:
            # Purged between the two looks.
            raise IdempotencyInFlight(retry_after=1)
        found = await find(row.reference)
        if row.completed or found is not None:
            if row.fingerprint != wanted:
                raise IdempotencyMismatch
            if found is None:
                raise NotFound("What this Idempotency-Key once made is not there any more.")
            return Once(found=found)
        if row.held:
            if row.fingerprint != wanted:
                raise IdempotencyMismatch
            raise IdempotencyInFlight(retry_after=1)
        if not await self._repository.claim_again(user_id, key, wanted, row.reference):
            raise IdempotencyInFlight(retry_after=1)
        return Once(made=await self._make(user_id, key, row.reference, make))

    async def _make(
        self, user_id: str, key: str, reference: str, make: Callable[[str], Awaitable[Made]]
    ) -> Made:
        try:
            made = await make(reference)
        except BaseException:
            await self._note(self._repository.release(user_id, key, reference), key)
            raise
        await self._note(self._repository.complete(user_id, key, reference), key)
        return made

    async def _note(self, note: Awaitable[None], key: str) -> None:
        """A note that cannot be written costs the next request with this key a wait, and nothing else."""
        try:
            await note
        except HeadraceError as error:
            log.warning("idempotency.not_noted", key=key[:64], error=error.detail)
