"""Whether this process can do its work, and if not, because of what."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from core.errors import HeadraceError

CHECK_SECONDS = 2.5

Check = Callable[[], Awaitable[None]]


class ReadinessChecks:
    """The dependencies of this process, asked at the same time and within a bound."""

    def __init__(self, checks: Mapping[str, Check], states: Callable[[], Mapping[str, str]]) -> None:
        self._checks = checks
        self._states = states
        self._serving = False
        self._draining = False

    @property
    def serving(self) -> bool:
        """Whether this process has started and takes requests."""
        return self._serving

    def serve(self) -> None:
        """From now on this process takes requests."""
        self._serving = True

    def drain(self) -> None:
        """From now on this process says that it is going away."""
        self._draining = True

    async def look(self) -> tuple[bool, dict[str, object]]:
        """Whether all is well, and the report."""
        names = list(self._checks)
        found = dict(zip(names, await asyncio.gather(*(self._one(name) for name in names)), strict=True))
        well = all(state == "ok" for state in found.values()) and not self._draining
        status = "draining" if self._draining else "ready" if well else "not ready"
        return well, {"status": status, "dependencies": found, "models": dict(self._states())}

    async def _one(self, name: str) -> str:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self._checks[name]()
        except HeadraceError as error:
            return error.detail
        except TimeoutError:
            return "It does not answer in time."
        return "ok"
