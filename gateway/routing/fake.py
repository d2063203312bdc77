"""A serving side inside the process, for tests: what is deployed is ready at once, unless told otherwise."""

from collections.abc import Sequence

from core.errors import NotFound, Unavailable
from gateway.routing.control import Application, DeployRefused
from gateway.routing.queues import ReplicaQueue
from gateway.routing.tables import State
from gateway.usage.engines import EngineReport
from models.spec import ModelSpec


class FakeControl:
    """Attributes:
    away: as if nobody answered.
    state: the state that every deployed application is shown in.
    refuses: the reason why the revision of this name and revision is impossible.
    calls: every order that was given, in order.
    report: what the engines are said to have done.
    queue: who is said to wait for them.
    """

    def __init__(self) -> None:
        self.deployed: dict[tuple[str, str], ModelSpec] = {}
        self.away = False
        self.state = "ready"
        self.refuses: dict[tuple[str, str], str] = {}
        self.calls: list[tuple[str, str, str]] = []
        self.queue: list[ReplicaQueue] = []
        self.report = EngineReport(epoch="fake", last=0, replicas=[], records=[])

    async def start(self) -> None:
        return None

    async def stop(self) -> None:
        return None

    async def applications(self) -> Sequence[Application]:
        self._answer()
        return [
            Application(model=name, revision=revision, state=State(self.state), replicas=1)
            for name, revision in self.deployed
        ]

    async def deploy(self, spec: ModelSpec) -> None:
        self._answer()
        self.calls.append(("deploy", spec.name, spec.revision))
        if (spec.name, spec.revision) in self.refuses:
            raise DeployRefused(self.refuses[spec.name, spec.revision])
        self.deployed[spec.name, spec.revision] = spec

    async def retire(self, model: str, revision: str) -> None:
        self._answer()
        self.calls.append(("retire", model, revision))
        self.deployed.pop((model, revision), None)

    async def log(self, model: str, revision: str) -> str:
        self._answer()
        if (model, revision) not in self.deployed:
            raise NotFound("No replica of it has written anything here.")
        return f"{model} {revision} was started"

    async def usage(self, epoch: str, after: int) -> EngineReport:
        self._answer()
        return self.report

    async def queues(self) -> Sequence[ReplicaQueue]:
        self._answer()
        return self.queue

    def _answer(self) -> None:
        if self.away:
            raise Unavailable("The serving side is not answering.")
