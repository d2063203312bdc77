"""From a fresh clone: what cannot work ends in one sentence and leaves nothing half-made."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from cluster import bootstrap
from cluster.bootstrap import BootstrapError, Environment, wanted_sets

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What the bootstrap needs of a clone."""
    folder = tmp_path / "clone"
    (folder / "cluster").mkdir(parents=True)
    shutil.copy(ROOT / "headrace", folder / "headrace")
    shutil.copy(ROOT / "cluster" / "bootstrap.py", folder / "cluster" / "bootstrap.py")
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    return folder


def headrace(clone: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run it there."""
    return subprocess.run(
        [str(clone / "headrace"), "status"],
        env={"HOME": str(clone), **environment},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def fake_python(folder: Path, name: str, version: str) -> None:
    """A program that says it is this version of Python."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)


def test_an_unsupported_python_is_one_sentence(clone: Path, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    fake_python(programs, "python3", "3.8")
    for tool in ("readlink", "dirname", "sh"):
        found = shutil.which(tool)
        assert found
        (programs / tool).symlink_to(found)
    done = headrace(clone, {"PATH": str(programs)})
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert "needs Python 3.11 (python3 is Python 3.8)" in done.stderr
    assert "install it" in done.stderr
    assert not (clone / ".venv").exists()


def test_a_broken_download_is_one_sentence_and_leaves_no_environment(clone: Path) -> None:
    done = headrace(
        clone,
        {
            "PATH": os.environ["PATH"],
            "HEADRACE_PYTHON": sys.executable,
            # Nobody listens there.
            "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_RETRIES": "0",
        },
    )
    assert done.returncode == 1, done.stderr
    complaint = [line for line in done.stderr.splitlines() if "could not" in line]
    assert len(complaint) == 1
    assert complaint[0].startswith("headrace: The installer uv could not be downloaded; check the connection")
    assert not (clone / ".venv").exists()
    assert "Traceback" not in done.stderr


def test_too_little_disk_is_found_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**9))
    environment = Environment(tmp_path / ".venv", "cpu")
    with pytest.raises(
        BootstrapError, match=r"has 0\.9 GiB free and the installation needs 8 GiB; make room"
    ):
        environment.install(["cpu"])
    assert not (tmp_path / ".venv").exists()


def test_an_environment_made_from_other_locks_is_not_complete(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / ".venv"
    folder.mkdir()
    locks = {name: bootstrap.lock_digest(name) for name in ("cpu", "test")}
    stamp = {"folder": str(folder), "kind": "cpu", "locks": locks}
    (folder / "headrace.json").write_text(json.dumps(stamp))
    assert Environment(folder, "cpu").missing(["cpu", "test"]) == []
    # The lock file changes.
    monkeypatch.setattr(bootstrap, "lock_digest", lambda name: f"another {name}")
    assert Environment(folder, "cpu").missing(["cpu", "test"]) == ["cpu", "test"]


def test_an_environment_that_was_moved_is_not_complete(tmp_path: Path) -> None:
    folder = tmp_path / ".venv"
    folder.mkdir()
    stamp = {"folder": "/elsewhere/.venv", "kind": "cpu", "locks": {"cpu": bootstrap.lock_digest("cpu")}}
    (folder / "headrace.json").write_text(json.dumps(stamp))
    assert Environment(folder, "cpu").missing(["cpu"]) == ["cpu"]


def test_a_half_made_environment_is_removed_before_the_next_try(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / ".venv"
    folder.mkdir()
    (folder / "headrace.making").touch()
    (folder / "rubble").touch()
    monkeypatch.setattr(bootstrap, "check_disk", _refuse)
    with pytest.raises(BootstrapError):
        Environment(folder, "cpu").install(["cpu"])
    assert not folder.exists()


def _refuse(kind: str) -> None:
    raise BootstrapError(f"no room for {kind}")


def test_pips_configuration_is_read_with_its_own_precedence() -> None:
    listing = (
        "global.extra-index-url='https://one.example/simple https://two.example/simple'\n"
        "global.find-links='/old'\n"
        "install.timeout='7'\n"
        ":env:.find-links='/new'\n"
        ":env:.disable-pip-version-check='1'\n"
        "list.format='columns'\n"
    )
    settings = bootstrap.pip_settings(listing)
    assert settings["find-links"] == "/new"
    assert settings["extra-index-url"].split() == ["https://one.example/simple", "https://two.example/simple"]
    assert settings["timeout"] == "7"
    assert "format" not in settings


@pytest.mark.parametrize(
    ("arguments", "sets"),
    [
        (["test", "--fast"], ["cpu", "test"]),
        (["drill", "turns"], ["cpu", "test"]),
        (["up", "test"], ["cpu"]),
        ([], ["cpu"]),
    ],
)
def test_tests_and_drills_get_what_they_are_run_with(arguments: list[str], sets: list[str]) -> None:
    assert wanted_sets(arguments, "cpu") == sets


def test_what_pip_is_configured_with_is_said_in_the_installers_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "SSL_CERT"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", f"{tmp_path}/a {tmp_path}/b")
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")
    monkeypatch.setenv("PIP_CERT", "/etc/authority.pem")
    variables = bootstrap.installer_environment(Path(sys.executable))
    assert variables["UV_FIND_LINKS"] == f"{tmp_path}/a,{tmp_path}/b"
    assert variables["UV_DEFAULT_INDEX"] == "https://index.example/simple"
    assert variables["SSL_CERT_FILE"] == "/etc/authority.pem"


def test_one_package_is_cut_out_of_a_lock_with_its_hashes() -> None:
    block = bootstrap.requirement_block("cpu", "uv").splitlines()
    assert block[0].startswith("uv==")
    assert len(block) > 1
    assert all(line.strip().startswith("--hash=sha256:") for line in block[1:])
    with pytest.raises(BootstrapError, match="does not lock no-such-package"):
        bootstrap.requirement_block("cpu", "no-such-package")


@pytest.mark.parametrize("name", ["base", "cpu", "gpu", "test", "bench"])
def test_every_lock_has_hashes_and_names_no_address(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    packages = [line for line in text.splitlines() if line[:1].isalnum()]
    assert packages
    assert all("==" in line and line.endswith("\\") for line in packages)
    assert "://" not in text
    assert "--index" not in text


def test_the_gateways_own_lock_has_the_versions_that_are_tested() -> None:
    def pins(name: str) -> dict[str, str]:
        lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
        return dict(line.split(" ")[0].split("==") for line in lines if line[:1].isalnum())

    whole = pins("cpu")
    assert {package: whole.get(package) for package in pins("base")} == pins("base")


def test_the_gpu_set_is_chosen_by_a_flag_or_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_REQUIREMENTS", raising=False)
    assert bootstrap.wanted_kind(["up", "--gpu"]) == "gpu"
    monkeypatch.setenv("HEADRACE_REQUIREMENTS", "gpu")
    assert bootstrap.wanted_kind(["status"]) == "gpu"
    monkeypatch.setenv("HEADRACE_REQUIREMENTS", "tpu")
    with pytest.raises(BootstrapError, match="set it to cpu or gpu"):
        bootstrap.wanted_kind(["status"])
