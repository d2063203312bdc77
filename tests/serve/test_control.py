"""Control's HTTP surface, and that describing a deployment drags no engine into the process."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from models.catalogue import Catalogue
from models.spec import ModelSpec
from serve.control import MAX_BODY_BYTES, ControlApp
from serve.deployer import AppState, Conflict, one_sentence
from serve.meter import Meter
from serve.revision_log import PROCESS_MARK
from serve.usage_board import UsageBoard
from tests.serve.asgi import call

ROOT = Path(__file__).parents[2]


class FakeDeployer:
    """Remembers what it was asked; a revision named `busy` is in the way of everything."""

    def __init__(self) -> None:
        self.specs: list[ModelSpec] = []

    def put(self, spec: ModelSpec) -> AppState:
        if spec.revision == "busy":
            raise Conflict("it runs with other settings")
        self.specs.append(spec)
        return AppState(spec.name, spec.revision, "starting")

    def delete(self, model: str, revision: str) -> bool:
        if revision == "busy":
            raise Conflict("it is being started")
        return any((spec.name, spec.revision) == (model, revision) for spec in self.specs)

    async def apps(self) -> list[AppState]:
        return [AppState(spec.name, spec.revision, "ready", "", 1) for spec in self.specs]


@pytest.fixture
def deployer() -> FakeDeployer:
    return FakeDeployer()


@pytest.fixture
def control(deployer: FakeDeployer, tmp_path: Path) -> ControlApp:
    return ControlApp(deployer, UsageBoard(), tmp_path)


def simulated(**changes: Any) -> bytes:
    return orjson.dumps({**Catalogue.load().get("simulated").model_dump(mode="json"), **changes})


async def test_a_revision_is_deployed_listed_and_retired(control: ControlApp) -> None:
    put = await call(control, "PUT", "/apps/simulated/r1", simulated(), prefix="/control")
    assert (put.status, put.json()) == (202, {"state": "starting"})
    listed = await call(control, "GET", "/apps", prefix="/control")
    assert listed.json() == {
        "apps": [
            {
                "model": "simulated",
                "revision": "r1",
                "state": "ready",
                "message": "",
                "replicas": 1,
                "weights": "",
            }
        ]
    }
    assert (await call(control, "DELETE", "/apps/simulated/r1", prefix="/control")).status == 202
    assert (await call(control, "DELETE", "/apps/simulated/r9", prefix="/control")).status == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"engine": "magic"}, "engine"),
        ({"replicas": {"min": 2, "max": 1}}, "replicas.min"),
        ({"resources": {"gpus": -1}}, "resources.gpus"),
        ({"name": "other"}, "name"),
        ({"revision": "r2"}, "revision"),
    ],
)
async def test_an_impossible_spec_names_its_field_and_starts_nothing(
    control: ControlApp, deployer: FakeDeployer, change: dict[str, Any], field: str
) -> None:
    answered = await call(control, "PUT", "/apps/simulated/r1", simulated(**change), prefix="/control")
    assert (answered.status, answered.json()["error"]["field"]) == (422, field)
    assert answered.json()["error"]["message"]
    assert deployer.specs == []


async def test_a_body_that_is_no_json_or_too_large_is_refused(control: ControlApp) -> None:
    assert (await call(control, "PUT", "/apps/simulated/r1", b"{", prefix="/control")).status == 422
    large = b" " * (MAX_BODY_BYTES + 1)
    assert (await call(control, "PUT", "/apps/simulated/r1", large, prefix="/control")).status == 413


async def test_what_is_in_the_way_is_a_conflict(control: ControlApp) -> None:
    put = await call(control, "PUT", "/apps/simulated/busy", simulated(revision="busy"), prefix="/control")
    assert (put.status, put.json()["error"]["field"]) == (409, "revision")
    assert (await call(control, "DELETE", "/apps/simulated/busy", prefix="/control")).status == 409


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/apps"), ("GET", "/apps/a/b"), ("PUT", "/apps/a"), ("PUT", "/apps/A/b"), ("GET", "/")],
)
async def test_other_routes_are_not_there(control: ControlApp, method: str, path: str) -> None:
    assert (await call(control, method, path, prefix="/control")).status == 404


async def test_it_says_that_it_lives(control: ControlApp) -> None:
    assert (await call(control, "GET", "/health", prefix="/control")).json() == {"status": "ok"}


def test_a_traceback_becomes_its_last_line() -> None:
    text = "Traceback:\n  File x\n\nRuntimeError: the disk is full\n\n"
    assert one_sentence(text) == "RuntimeError: the disk is full"
    assert one_sentence("") == ""
    assert len(one_sentence("x" * 5000)) == 300


@pytest.mark.parametrize("model", ["simulated", "smollm2-135m", "openai"])
def test_describing_a_deployment_imports_no_engine(model: str) -> None:
    program = (
        "import sys, serve.lean\n"
        "from pathlib import Path\n"
        "from models.catalogue import Catalogue\n"
        "from serve.app import build\n"
        f"build(Catalogue.load().get({model!r}), Path('/nowhere'))\n"
        "import serve.control\n"
        "heavy = [name for name in ('vllm', 'torch', 'transformers', 'pandas') if name in sys.modules]\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr


def test_the_simulated_engine_alone_imports_no_ray() -> None:
    program = "import sys, serve.simulated, serve.standalone\nsys.exit('ray' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=60, check=False)
    assert ran.returncode == 0


async def test_the_engines_usage_is_shown(deployer: FakeDeployer, tmp_path: Path) -> None:
    board = UsageBoard()
    board.take(Meter("simulated--r1#abc", "simulated", "r1").report(0))
    control = ControlApp(deployer, board, tmp_path)
    shown = (await call(control, "GET", "/usage", prefix="/control")).json()
    assert shown["epoch"] == board.epoch
    assert [replica["model"] for replica in shown["replicas"]] == ["simulated"]
    assert shown["records"] == []


async def test_the_log_of_a_revision_is_what_its_newest_replicas_wrote(
    control: ControlApp, tmp_path: Path
) -> None:
    missing = await call(control, "GET", "/apps/a/r1/log", prefix="/control")
    assert missing.status == 404
    (tmp_path / "serve").mkdir()
    for number, name in enumerate(["old1", "old2", "new1", "new2"]):
        file = tmp_path / "serve" / f"replica_a--r1_engine_{name}.log"
        file.write_text(f"said by {name}\n{PROCESS_MARK} 77{number}\n")
        os.utime(file, (number, number))
    (tmp_path / "serve" / "replica_a--r10_engine_x.log").write_text("of another revision\n")
    (tmp_path / "worker-1-ffff-773.err").write_text("x" * 40_000 + "\nout of memory\n")
    answer = await call(control, "GET", "/apps/a/r1/log", prefix="/control")
    text = answer.json()["text"]
    assert [line for line in text.splitlines() if line.startswith("said")] == [
        "said by old2",
        "said by new1",
        "said by new2",
    ]
    assert text.endswith("out of memory\n")
    assert len(text) < 10_000
