"""A serving side inside the process, for tests: what is deployed is ready at once, unless told otherwise."""

from collections.abc import Sequence

from core.errors import Unavailable
from gateway.routing.control import Application
from models.spec import ModelSpec


class FakeControl:
    """Attributes:
    away: as if nobody answered.
    state: the state that every deployed application is shown in.
    """

    def __init__(self) -> None:
        self.deployed: dict[tuple[str, str], ModelSpec] = {}
        self.away = False
        self.state = "ready"

    async def start(self) -> None:
        return None

    async def stop(self) -> None:
        return None

    async def applications(self) -> Sequence[Application]:
        self._answer()
        return [
            Application(model=name, revision=revision, state=self.state, replicas=1)
            for name, revision in self.deployed
        ]

    async def deploy(self, spec: ModelSpec) -> None:
        self._answer()
        self.deployed[spec.name, spec.revision] = spec

    async def retire(self, model: str, revision: str) -> None:
        self._answer()
        self.deployed.pop((model, revision), None)

    def _answer(self) -> None:
        if self.away:
            raise Unavailable("The serving side is not answering.")
