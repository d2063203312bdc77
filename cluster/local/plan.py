"""What one `up` was asked for: written for the supervisor, compared by the next `up`, shown by `status`."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from cluster.local.directory import write_atomically

SIMULATED = "simulated"
DEFAULT_MODEL = "smollm2-135m"
DEFAULT_PORT = 8080
DEFAULT_GATEWAYS = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """The instance that is wanted.

    Attributes:
        port: where the gateway listens, on loopback.
        models: names of the models to serve from the start.
        gpu: engines may use GPUs.
        gateways: how many gateway processes share the port.
    """

    port: int
    models: tuple[str, ...]
    gpu: bool = False
    gateways: int = DEFAULT_GATEWAYS

    @property
    def url(self) -> str:
        """The page's address. `localhost`, because browsers accept secure cookies there without TLS."""
        return f"http://localhost:{self.port}"

    def save(self, path: Path) -> None:
        """Write it for the supervisor."""
        write_atomically(path, json.dumps(dataclasses.asdict(self)))


def load_plan(path: Path) -> Plan | None:
    """The plan of the last start; None where there is none."""
    try:
        document = json.loads(path.read_text())
        return Plan(
            port=document["port"],
            models=tuple(document["models"]),
            gpu=document["gpu"],
            gateways=document["gateways"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
