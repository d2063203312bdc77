"""The steps of `headrace test`, in their order. To add a check, add a line."""

import dataclasses
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cluster import bench_environment
from cluster.bootstrap import BootstrapError
from cluster.local import page, ports
from cluster.local.directory import REPOSITORY
from cluster.local.errors import ClusterError
from cluster.testing.bench import Bench
from cluster.testing.browser import find_browser

# Tests wait more than they work, but each process of them starts servers.
MOST_PROCESSES = 4
FRONTEND = REPOSITORY / "frontend"
FAKE_CLUSTER = REPOSITORY / "cluster" / "ray" / "local-fake.yaml"
Preparation = Callable[[Bench, Callable[[str], None]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One check.

    Attributes:
        commands: run one after the other; the first that fails fails the step.
        needs: what it does for itself before: packages, a browser.
        show: how many lines of its output are shown when it passed.
        timeout: seconds for each command.
    """

    name: str
    about: str
    commands: Sequence[Sequence[str]]
    cwd: Path = REPOSITORY
    env: Mapping[str, str] = field(default_factory=dict)
    needs: Sequence[Preparation] = ()
    show: int = 0
    timeout: float = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Steps that share a running stack, or need none.

    Attributes:
        stack: the arguments of `up` for the stack they need; None for no stack.
        env: the environment of that stack, beside what all stacks have.
        slow: left out by `--fast`.
    """

    name: str
    steps: Sequence[Step]
    stack: Sequence[str] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    slow: bool = False

    def limited_to(self, names: Sequence[str]) -> "Part":
        """The same with these steps only."""
        return dataclasses.replace(self, steps=[step for step in self.steps if step.name in names])


def parts() -> list[Part]:
    """Everything, cheap checks first."""
    return [
        Part(name="code", steps=[*_python_checks(), *_page_checks()]),
        Part(name="tests", steps=_python_tests()),
        Part(name="mocked", steps=_mocked_browser(), slow=True),
        Part(
            name="simulated",
            stack=("--engine", "simulated"),
            steps=[
                *_on_a_stack("simulated", "stack and not vllm and not drill"),
                _elsewhere(),
                _drills("simulated"),
            ],
            slow=True,
        ),
        Part(
            name="vllm",
            stack=("--engine", "vllm"),
            steps=[
                # The page's other tests ask the simulated model, which is not in this stack.
                *_on_a_stack("vllm", "vllm and not drill", "vllm.spec.ts", env={"HEADRACE_E2E_VLLM": "1"}),
                # Two engines at once take minutes to start: `headrace drill swap --vllm` does that.
                _drills("vllm", "-k", "not swap"),
            ],
            slow=True,
        ),
        Part(name="coverage", steps=_coverage()),
    ]


# Files of tests/drills, by what they are about.
DRILLS: Mapping[str, str] = {
    "swap": "swap",
    "replicas": "test_killed_replicas",
    "serving": "test_killed_serving",
    "upstream": "upstream",
}


def drills(about: str, *, long: bool, vllm: bool) -> list[Part]:
    """The drills about `about` alone, on stacks of their own; `turns` are all that are about nothing else."""
    others = " or ".join(DRILLS.values())
    files = DRILLS.get(about, f"not ({others})")
    engines = ["simulated", *(["vllm"] if vllm else [])]
    return [
        Part(name=engine, stack=("--engine", engine), steps=[_drills(engine, "-k", files, long=long)])
        for engine in engines
    ]


def autoscaling() -> list[Part]:
    """The drill of a cluster whose nodes are only more processes of this machine."""
    return [
        Part(
            name="autoscaling",
            stack=("--engine", "simulated"),
            env={"HEADRACE_RAY_AUTOSCALING": str(FAKE_CLUSTER)},
            steps=[
                Step(
                    name="autoscaling-drill",
                    about="nodes and replicas that follow the load",
                    commands=[
                        _module("pytest", "-v", "--tb=short", "-m", "drill and cluster", "tests/drills")
                    ],
                    env={"HEADRACE_LOCUST": str(bench_environment.program("locust"))},
                    needs=(_bench_packages,),
                    show=12,
                )
            ],
        )
    ]


def _bench_packages(bench: Bench, show: Callable[[str], None]) -> None:
    show("installing the load generator")
    try:
        bench_environment.prepare()
    except BootstrapError as error:
        raise ClusterError(str(error)) from error


def _module(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


def _program(name: str, *arguments: str) -> list[str]:
    """A program that a package brought into our environment."""
    return [str(Path(sys.executable).parent / name), *arguments]


def _python_checks() -> list[Step]:
    return [
        Step(name="lint", about="ruff's rules", commands=[_program("ruff", "check", ".")]),
        Step(name="format", about="ruff's format", commands=[_program("ruff", "format", "--check", ".")]),
        Step(name="types", about="mypy, strict", commands=[_module("mypy")]),
        Step(name="imports", about="who may import whom", commands=[_program("lint-imports")]),
    ]


def _page_packages(bench: Bench, show: Callable[[str], None]) -> None:
    page.install_packages(bench.log("page-packages"), show)


def _page_checks() -> list[Step]:
    return [
        _page_step("page-lint", "eslint", "lint"),
        _page_step("page-types", "tsc", "typecheck"),
        _page_step("page-tests", "vitest", "test", show=6),
        _page_step("page-build", "the export, and the bound on its size", "size", needs=(_export,), show=3),
    ]


def _export(bench: Bench, show: Callable[[str], None]) -> None:
    page.export(bench.log("page-build"), show)


def _page_step(
    name: str, about: str, *scripts: str, needs: Sequence[Preparation] = (), show: int = 0
) -> Step:
    return Step(
        name=name,
        about=f"{about}, of the page",
        commands=[page.npm("run", script) for script in scripts],
        cwd=FRONTEND,
        env=page.npm_environment(),
        needs=(_page_packages, *needs),
        show=show,
    )


def _pytest(marks: str, *options: str, append: bool) -> list[str]:
    coverage = ["--cov", "--cov-report=", *(["--cov-append"] if append else [])]
    # One line a test, so that the log tells where it was when it was ended.
    return _module("pytest", "-v", "--tb=short", "--durations=10", "-m", marks, *options, *coverage)


def _python_tests() -> list[Step]:
    return [
        Step(
            name="tests",
            about="unit, integration and contract tests on embedded servers",
            # Files at the same time: each process has servers of its own.
            commands=[
                _pytest(
                    "not stack and not vllm and not drill",
                    *("-n", str(min(MOST_PROCESSES, os.cpu_count() or 1)), "--dist", "loadfile"),
                    append=False,
                )
            ],
            show=3,
            timeout=1200.0,
        )
    ]


# Files with ways that only the mock can show (a second model, an engine that dies when told to, a queue, a
# limit that is nearly reached), and the plain chat, which keeps the mock honest. All others are walked on a
# real stack.
MOCKED = tuple(f"{name}.spec.ts" for name in ("branches", "chat", "limits", "long", "queue", "summaries"))


def _mocked_browser() -> list[Step]:
    return [
        Step(
            name="browser-mocked",
            about="the exported page in Chromium, against a mock of the gateway",
            commands=[page.npm("run", "e2e", "--", *MOCKED)],
            cwd=FRONTEND,
            env={**page.npm_environment(), "MOCK_PORT": str(ports.free_port())},
            needs=(_page_packages, _export, find_browser),
            show=3,
            timeout=1500.0,
        )
    ]


def _on_a_stack(name: str, marks: str, *specs: str, env: Mapping[str, str] | None = None) -> list[Step]:
    return [
        Step(
            name=f"{name}-stack",
            about=f"tests through a whole running Headrace ({name})",
            commands=[_pytest(marks, append=True)],
            show=3,
            timeout=1200.0,
        ),
        Step(
            name=f"{name}-browser",
            about=f"a person's way through the page in Chromium ({name})",
            commands=[page.npm("run", "e2e", *(["--", *specs] if specs else []))],
            cwd=FRONTEND,
            env={**page.npm_environment(), **(env or {})},
            needs=(_page_packages, find_browser),
            show=3,
            # Every way through the page, one after the other, with replicas that start in between.
            timeout=1500.0,
        ),
    ]


def _elsewhere() -> Step:
    return Step(
        name="simulated-elsewhere",
        about="signing in with an account elsewhere in Chromium, at a provider on loopback",
        commands=[_module("tests.auth.oauth.in_browser")],
        env=page.npm_environment(),
        needs=(_page_packages, find_browser),
        show=3,
    )


def _drills(engine: str, *options: str, long: bool = False) -> Step:
    """Faults on purpose. What they cost is shown, also where nothing was lost."""
    kind = "vllm" if engine == "vllm" else "stack and not vllm and not cluster"
    return Step(
        name=f"{engine}-drills",
        about=f"gateways and replicas that die under turns ({engine})",
        commands=[_module("pytest", "-v", "--tb=short", "-m", f"drill and {kind}", *options, "tests/drills")],
        env={"HEADRACE_DRILL": "long" if long else "short"},
        show=30,
        timeout=1800.0,
    )


def _coverage() -> list[Step]:
    return [
        Step(
            name="coverage",
            about="how much of the code the Python tests ran",
            commands=[_module("coverage", "report")],
            show=80,
        )
    ]
