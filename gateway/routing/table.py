"""The routes that this process knows, refreshed from Postgres, looked up without a round trip."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass

from core.errors import HeadraceError, ModelNotFound, ModelNotReady
from core.log import get_logger
from core.tasks import end_task
from gateway.inference.protocol import Target
from gateway.routing.choice import choose, ranked
from gateway.routing.repository import RevisionRepository
from gateway.routing.tables import Desired, NameRow, RevisionRow, State

log = get_logger(__name__)

REFRESH_SECONDS = 1.0
# A revision that was ready so short a time ago is still asked: its replicas died, and the first of those that
# replace them may be there in a moment. Requests wait for it; see gateway.routing.attempts.
LOST_SECONDS = 10.0
RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Share:
    """A revision that answers, and its share of the traffic."""

    target: Target
    weight: int

    @property
    def revision(self) -> str:
        return self.target.revision


@dataclass(frozen=True, slots=True)
class Shadow:
    """A revision that is asked again what `percent` of a hundred requests asked. `keep_texts`: operators may
    read what was said."""

    target: Target
    percent: int
    keep_texts: bool


@dataclass(frozen=True, slots=True)
class Route:
    """One public name.

    Attributes:
        row: the revision that speaks for the name: of those that answer the one with most of the traffic,
            else the one that is to answer, and why it does not.
        wanted: every revision of the name that should run, oldest first.
        shares: the revisions that get traffic and are ready; else those that were a moment ago.
        fallback: the name that is asked in its place while nobody answers.
        shadow: who gets copies, where that revision answers.
    """

    row: RevisionRow
    wanted: tuple[RevisionRow, ...]
    shares: tuple[Share, ...]
    fallback: str | None = None
    shadow: Shadow | None = None

    @property
    def name(self) -> str:
        return self.row.spec.name

    @property
    def target(self) -> Target | None:
        """The revision that speaks for the name, if it answers."""
        return _target(self.row) if self.shares else None


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
        self._ready_at: dict[tuple[str, str], float] = {}

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

    def resolve(self, name: str, sticky: str) -> Target:
        """Who answers for `name` now.

        Args:
            sticky: the conversation or the key that the request belongs to: it stays with its revision for as
                long as that has its share of the traffic and answers.

        Raises: core.errors.ModelNotFound; ModelNotReady, with the reason and when to come back.
        """
        route = self._routes.get(name)
        if route is None:
            raise ModelNotFound(
                f"There is no model named {name[:80]!r} here. See the list of models.", param="model"
            )
        if not route.shares:
            raise ModelNotReady(_why_not(route.row), retry_after=RETRY_AFTER_SECONDS)
        return choose(route.shares, sticky).target

    def targets(self, name: str, sticky: str, allowed: Callable[[str], bool]) -> Sequence[Target]:
        """Whom to ask for `name`, in order: the revision that `resolve` says, the others that get traffic,
        and the one that answers for its fallback. Where nobody answers for the name, its fallback alone.

        Args:
            allowed: whether the fallback of this name may be asked.

        Raises: what `resolve` raises, where there is no fallback that answers.
        """
        route = self._routes.get(name)
        fallback = route.fallback if route is not None else None
        other = self._routes.get(fallback) if fallback is not None and allowed(fallback) else None
        found: list[Target] = []
        if route is not None and route.shares:
            found = [share.target for share in ranked(route.shares, sticky)]
        if other is not None and other.shares:
            found.append(choose(other.shares, sticky).target)
        return found or [self.resolve(name, sticky)]

    def target_of(self, name: str, revision: str) -> Target | None:
        """A revision of this name that is wanted, ready or not; None when there is none such any more."""
        route = self._routes.get(name)
        for row in route.wanted if route is not None else ():
            if row.spec.revision == revision:
                return _target(row)
        return None

    def pinned(self, name: str, revision: str) -> Target:
        """One revision and no other, whatever traffic it gets.

        Raises: core.errors.ModelNotFound; ModelNotReady, with the reason.
        """
        route = self._routes.get(name)
        for row in route.wanted if route is not None else ():
            if row.spec.revision == revision:
                if row.state is not State.READY:
                    raise ModelNotReady(_why_not(row), retry_after=RETRY_AFTER_SECONDS)
                return _target(row)
        raise ModelNotFound(
            f"No revision {revision[:80]!r} of {name[:80]!r} runs here. See the list of models.",
            param="model",
        )

    def shadow_of(self, name: str) -> Shadow | None:
        """Who is asked again what `name` was asked, if anybody is."""
        route = self._routes.get(name)
        return route.shadow if route is not None else None

    def routes(self) -> Sequence[Route]:
        """Every public name, in the order the models were added."""
        return list(self._routes.values())

    async def refresh(self) -> None:
        """Read the routes anew. Raises core.errors.Unavailable."""
        before = self._routes
        rows = await self._repository.all()
        names = await self._repository.names()
        now = time.monotonic()
        self._ready_at = {
            row.key: now if row.state is State.READY else self._ready_at[row.key]
            for row in rows
            if row.state is State.READY or now - self._ready_at.get(row.key, -LOST_SECONDS) < LOST_SECONDS
        }
        self._routes = _routes_of(rows, names, self._ready_at)
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


def _routes_of(
    rows: Sequence[RevisionRow], names: Mapping[str, NameRow], answering: Container[tuple[str, str]]
) -> dict[str, Route]:
    named: dict[str, list[RevisionRow]] = defaultdict(list)
    for row in rows:
        if row.desired is Desired.SERVING:
            named[row.spec.name].append(row)
    return {name: _route_of(wanted, names.get(name, NameRow()), answering) for name, wanted in named.items()}


def _route_of(
    wanted: Sequence[RevisionRow], decided: NameRow, answering: Container[tuple[str, str]]
) -> Route:
    sharing = [row for row in wanted if row.weight > 0]
    ready = [row for row in sharing if row.state is State.READY]
    # Where any is ready it takes over at once; a failed one is not coming back by itself.
    lost = [row for row in sharing if row.key in answering and row.state is not State.FAILED]
    shares = tuple(Share(_target(row), row.weight) for row in ready or lost)
    # Later revisions win among equals.
    speaker = max(
        enumerate(wanted),
        key=lambda item: (item[1].weight > 0 and item[1].state is State.READY, item[1].weight, item[0]),
    )[1]
    return Route(speaker, tuple(wanted), shares, decided.fallback, _shadow(wanted, decided))


def _shadow(wanted: Sequence[RevisionRow], decided: NameRow) -> Shadow | None:
    row = decided.shadow
    if row is None:
        return None
    for item in wanted:
        if item.key[1] == row.revision and item.state is State.READY:
            return Shadow(_target(item), row.percent, row.keep_texts)
    return None


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
    if row.state is State.READY:
        return f"The model {row.spec.name} gets no requests yet: no revision of it was given traffic."
    return f"The model {row.spec.name} is {row.state}. Try again in a moment."
