"""The container files fit together and fit the settings, as far as that can be seen without running them."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.settings import environment_names

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILES = sorted((ROOT / "cluster" / "docker").glob("*.Dockerfile"))
OURS = ("migrate", "gateway", "worker", "ray")
# What Ray and the engines read by themselves; everything else must be one of our settings.
RAY_VARIABLES = {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "OPENAI_API_KEY", "OPENAI_BASE_URL"}
SECRETS = {
    "POSTGRES_PASSWORD",
    "VALKEY_PASSWORD",
    "HEADRACE_INTERNAL_TOKEN",
    "RAY_AUTH_TOKEN",
    "HEADRACE_SIGNING_KEY",
}
TOP_LEVEL = {"name", "services", "secrets", "networks", "volumes"}
SERVICE_KEYS = {
    *("image", "build", "user", "command", "environment", "depends_on", "healthcheck", "networks"),
    *("network_mode", "ports", "volumes", "secrets", "restart", "read_only", "tmpfs", "shm_size"),
    *("security_opt", "cap_drop", "logging", "stop_signal", "stop_grace_period"),
}
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The file, merged as compose would merge it."""
    document: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return document


def variables() -> dict[str, set[str]]:
    """Every ${NAME...} in the file, with what follows the name in each place."""
    found: dict[str, set[str]] = {}
    # $$ is a dollar for the shell inside the container.
    for name, rest in re.findall(r"(?<!\$)\$\{([A-Z_]+)([^}]*)\}", COMPOSE.read_text()):
        found.setdefault(name, set()).add(rest)
    return found


def test_the_file_has_the_shape_that_compose_wants(compose: dict[str, Any]) -> None:
    assert {key for key in compose if not key.startswith("x-")} == TOP_LEVEL
    for name, service in compose["services"].items():
        assert set(service) <= SERVICE_KEYS, name
        assert not ("networks" in service and "network_mode" in service), name
        for network in service.get("networks", ()):
            assert network in compose["networks"], name
        for volume in service.get("volumes", ()):
            assert volume.partition(":")[0] in compose["volumes"], name
        for secret in service.get("secrets", ()):
            assert secret in compose["secrets"], name
        for needed, how in service.get("depends_on", {}).items():
            assert needed in compose["services"], name
            assert how["condition"] in CONDITIONS, name
            if how["condition"] == "service_healthy":
                assert "healthcheck" in compose["services"][needed], needed


def test_every_part_of_the_stack_is_there(compose: dict[str, Any]) -> None:
    assert {"postgres", "valkey", "kafka", "ray", "migrate", "gateway", "worker"} <= set(compose["services"])


@pytest.mark.parametrize("service", OURS)
def test_every_variable_of_ours_is_one_that_the_settings_know(compose: dict[str, Any], service: str) -> None:
    given = set(compose["services"][service]["environment"])
    assert given <= environment_names() | (RAY_VARIABLES if service == "ray" else set())


def test_gateway_and_worker_get_everything_that_has_no_safe_default(compose: dict[str, Any]) -> None:
    for service in ("gateway", "worker"):
        assert {
            *("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "SERVE_URL", "HEADRACE_MODE"),
            *("HEADRACE_INTERNAL_TOKEN", "HEADRACE_SIGNING_KEY_FILE", "HEADRACE_PUBLIC_URL"),
        } <= set(compose["services"][service]["environment"])


def test_no_secret_has_a_default_and_a_missing_one_says_what_to_do() -> None:
    found = variables()
    assert set(found) >= SECRETS
    for name in SECRETS:
        assert all(rest.startswith(":?set it in .env") for rest in found[name]), name


def test_the_example_names_every_variable_and_holds_no_secret() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert set(example) == set(variables())
    assert {example[name] for name in SECRETS} == {""}


def test_images_are_pinned_and_ours_are_built(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        tag = service["image"].rpartition(":")[2]
        if "build" in service:
            assert (ROOT / service["build"]["dockerfile"]).is_file(), name
        else:
            assert re.search(r"\d+\.\d+", tag), name
    for path in DOCKERFILES:
        for image in re.findall(r"^FROM (\S+)", path.read_text(), re.MULTILINE):
            assert re.search(r":\d+\.\d+\.\d+", image), path.name


def test_nothing_runs_as_root_or_gains_privileges(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["user"].partition(":")[0] not in ("", "0", "root"), name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
    for path in DOCKERFILES:
        users = re.findall(r"^USER (\S+)", path.read_text(), re.MULTILINE)
        assert users, path.name
        assert users[-1] not in ("0", "root"), path.name


def test_only_the_gateway_is_published_and_on_loopback_only(compose: dict[str, Any]) -> None:
    published = {
        name: service["ports"] for name, service in compose["services"].items() if "ports" in service
    }
    assert list(published) == ["pod"]
    (port,) = published["pod"]
    assert port.startswith("127.0.0.1:")
    assert port.endswith(":8080")
    assert compose["services"]["gateway"]["environment"]["HEADRACE_PORT"] == "8080"
    assert compose["networks"]["data"]["internal"] is True


def test_every_long_running_service_tells_whether_it_is_well(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name not in ("pod", "migrate"):
            assert service["healthcheck"]["test"], name


def test_what_the_images_copy_and_run_is_in_the_repository(compose: dict[str, Any]) -> None:
    for path in DOCKERFILES:
        for line in re.findall(r"^COPY (?!--from)(.+)$", path.read_text(), re.MULTILINE):
            for source in line.split()[:-1]:
                assert (ROOT / source).exists(), f"{path.name}: {source}"
    commands = [service.get("command") or [] for service in compose["services"].values()]
    commands += [re.findall(r'"([^"]+)"', line) for path in DOCKERFILES for line in _last_commands(path)]
    modules = [command[command.index("-m") + 1] for command in commands if "-m" in command]
    assert len(modules) >= 4
    assert all(importlib.util.find_spec(module) for module in modules)


def _last_commands(path: Path) -> list[str]:
    return re.findall(r"^CMD (.+)$", path.read_text(), re.MULTILINE)
