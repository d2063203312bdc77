"""A coroutine that is run as far as it goes without waiting, where no task may be switched for it."""

import types
from collections.abc import Awaitable, Generator
from typing import Any


def at_once(work: Awaitable[None]) -> Awaitable[None] | None:
    """Run `work` now. None when it is over; else what is left of it, which somebody has to await.

    Raises: what `work` raises before it waits for the first time.
    """
    if not isinstance(work, types.CoroutineType):
        return work
    try:
        waits_for = work.send(None)
    except StopIteration:
        return None
    return _rest(work, waits_for)


@types.coroutine
def _rest(work: "types.CoroutineType[Any, Any, None]", waits_for: Any) -> Generator[Any, Any, None]:
    try:
        # The task that awaits this waits for what `work` has begun to wait for.
        yield waits_for
    except BaseException:
        work.close()
        raise
    yield from work.__await__()
