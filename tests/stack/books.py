"""How far the engines and the ledger of an instance are apart, and when that is at rest."""

import json
import re
import time

import httpx
import pytest

from tests.stack.conftest import Stack

# As many comparisons with the same result are rest: work that goes on moves it from one to the next.
SETTLED = 3

_DIFFERENCE = re.compile(
    r'^headrace_ledger_difference_tokens\{kind="(\w+)",model="([^"]+)"\} (\S+)$', re.MULTILINE
)
_COMPARISONS = re.compile(r"^headrace_ledger_comparisons_total (\S+)$", re.MULTILINE)


def differences(stack: Stack, model: str) -> dict[str, float]:
    """Tokens that the engines counted less those in the ledger, by kind, as the leading gateway says."""
    return _look(stack, model)[1]


def settled_differences(stack: Stack, model: str, seconds: float = 120) -> dict[str, float]:
    """The same once nothing moves any more. How often the leader compares depends on the machine, so that
    comparisons are counted here, never seconds."""
    looks: list[tuple[str, dict[str, float]]] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        look = _look(stack, model)
        if len(look[1]) == 2 and (not looks or look[0] != looks[-1][0]):
            looks.append(look)
            newest = [found for _, found in looks[-SETTLED:]]
            if len(newest) == SETTLED and all(found == newest[0] for found in newest):
                return newest[0]
        time.sleep(0.5)
    pytest.fail(f"the books did not come to rest within {seconds:.0f} s; what was seen: {looks}")


def _look(stack: Stack, model: str) -> tuple[str, dict[str, float]]:
    """The newest comparison: its name, which no other has, and its result."""
    ports: dict[str, int] = json.loads((stack.var_dir / "run" / "ports.json").read_text())
    name, found = "", {}
    for service, port in ports.items():
        if not (service.startswith("gateway") and service.endswith("-metrics")):
            continue
        try:
            text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
        except httpx.HTTPError:
            # That gateway is away: it leads no more.
            continue
        said = {kind: float(value) for kind, named, value in _DIFFERENCE.findall(text) if named == model}
        counted = _COMPARISONS.search(text)
        if said and counted:
            name, found = f"{service} {_started(text)} {counted[1]}", said
    return name, found


def _started(metrics: str) -> str:
    found = re.search(r"^process_start_time_seconds (\S+)$", metrics, re.MULTILINE)
    return found[1] if found else ""
