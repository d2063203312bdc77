"""The routes that this process knows, refreshed from Postgres, looked up without a round trip."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.errors import HeadraceError, ModelNotFound, ModelNotReady
from core.log import get_logger
from core.tasks import end_task
from gateway.inference.protocol import Target
from gateway.routing.repository import RevisionRepository
from gateway.routing.tables import Desired, RevisionRow, State

log = get_logger(__name__)

REFRESH_SECONDS = 1.0
RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Route:
    """One public name: the newest ready revision, or the newest one and why it is not ready."""

    row: RevisionRow
    target: Target | None

    @property
    def name(self) -> str:
        return self.row.spec.name


Listener = Callable[[Route], None]


class RoutingTable:
    """Public names to targets.

    A database that is down leaves the last known routes in use.
    """

    def __init__(self, repository: RevisionRepository) -> None:
        self._repository = repository
        self._routes: Mapping[str, Route] = {}
        self._task: asyncio.Task[None] | None = None
        self._listeners: list[Listener] = []

    async def start(self) -> None:
        await self.refresh()
        self._task = asyncio.create_task(self._keep_fresh(), name="routing-refresh")

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    def on_change(self, listener: Listener) -> None:
        """Call `listener` with every route whose state, detail or revision became another."""
        self._listeners.append(listener)

    def resolve(self, name: str) -> Target:
        """Who answers for `name` now.

        Raises: core.errors.ModelNotFound; ModelNotReady, with the reason and when to come back.
        """
        route = self._routes.get(name)
        if route is None:
            raise ModelNotFound(
                f"There is no model named {name[:80]!r} here. See the list of models.", param="model"
            )
        if route.target is None:
            raise ModelNotReady(_why_not(route.row), retry_after=RETRY_AFTER_SECONDS)
        return route.target

    def target_of(self, name: str, revision: str) -> Target | None:
        """A revision of this name that is wanted, ready or not; None when there is none such any more."""
        route = self._routes.get(name)
        if route is None or route.row.spec.revision != revision:
            return None
        return route.target or _target(route.row)

    def routes(self) -> Sequence[Route]:
        """Every public name, in the order the models were added."""
        return list(self._routes.values())

    async def refresh(self) -> None:
        """Read the routes anew. Raises core.errors.Unavailable."""
        before = self._routes
        self._routes = _routes_of(await self._repository.all())
        for name, route in self._routes.items():
            known = before.get(name)
            if known is None or _visible(known) != _visible(route):
                for listener in self._listeners:
                    listener(route)

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self.refresh()
            except HeadraceError as error:
                log.warning("routing.refresh_failed", error=error.detail)
            except Exception:
                # Whatever it was, the next round is tried.
                log.exception("routing.refresh_crashed")


def _routes_of(rows: Sequence[RevisionRow]) -> dict[str, Route]:
    """Of each name's wanted revisions the newest that is ready, else the newest."""
    routes: dict[str, Route] = {}
    for row in rows:
        if row.desired is not Desired.SERVING:
            continue
        known = routes.get(row.spec.name)
        ready = row.state is State.READY
        if known is not None and known.target is not None and not ready:
            continue
        target = _target(row) if ready else None
        routes[row.spec.name] = Route(row=row, target=target)
    return routes


def _target(row: RevisionRow) -> Target:
    return Target(
        model=row.spec.name,
        revision=row.spec.revision,
        engine=row.spec.engine,
        path=f"/m/{row.spec.name}/{row.spec.revision}",
        context_window=row.spec.context_window,
        max_output_tokens=row.spec.max_output_tokens,
        continuation=row.spec.upstream.continuation if row.spec.upstream else "tokens",
    )


def _visible(route: Route) -> tuple[object, ...]:
    return route.row.key, route.row.state, route.row.detail


def _why_not(row: RevisionRow) -> str:
    if row.state is State.FAILED:
        return f"The model {row.spec.name} could not be started: {row.detail or 'see its log'}."
    return f"The model {row.spec.name} is {row.state}. Try again in a moment."
