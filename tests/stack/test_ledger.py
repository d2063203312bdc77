"""The engines' own figures in a whole stack: every replica reports them, and the ledger agrees."""

import json
import os
import signal

import httpx
import psutil
import pytest

from tests.stack.books import differences, settled_differences
from tests.stack.conftest import Stack, ask, wait_until

pytestmark = pytest.mark.stack


def made(stack: Stack) -> int:
    """Tokens of all prompts and answers that the simulated engines report to control."""
    answer = httpx.get(
        f"http://127.0.0.1:{_port(stack, 'serve')}/control/usage",
        headers={
            "Authorization": f"Bearer {(stack.var_dir / 'secrets' / 'internal-token').read_text().strip()}"
        },
        timeout=10,
    )
    assert answer.status_code == 200, answer.text
    return sum(
        replica["prompt_tokens"] + replica["completion_tokens"]
        for replica in answer.json()["replicas"]
        if replica["model"] == "simulated"
    )


def _port(stack: Stack, name: str) -> int:
    return int(json.loads((stack.var_dir / "run" / "ports.json").read_text())[name])


def begin_long(stack: Stack, client: httpx.Client) -> None:
    """Ask over the API for a long answer, slowly, and leave after its first words."""
    body = {"model": "simulated", "stream": True, "messages": [{"role": "user", "content": "[[slow]] go"}]}
    with client.stream("POST", "/v1/chat/completions", json=body) as response:
        assert response.status_code == 200
        next(response.iter_bytes())


def gateway_of(stack: Stack, response: httpx.Response) -> int:
    """Which of the gateway's processes answers: they accept from one socket, and either may be quicker."""
    own = response.extensions["network_stream"].get_extra_info("client_addr")[1]
    for name, service in stack.services().items():
        if name.startswith("gateway"):
            connections = psutil.Process(service["pid"]).net_connections(kind="tcp")
            if any(one.raddr and one.raddr.port == own for one in connections):
                return int(service["pid"])
    pytest.fail("no gateway has this connection")


def test_the_ledger_equals_the_engines_counters_also_after_a_killed_gateway(
    stack: Stack, person: httpx.Client
) -> None:
    ask(person, "simulated", "Say something")
    before, tokens = settled_differences(stack, "simulated"), made(stack)
    headers = {"Authorization": f"Bearer {stack.key}"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=60) as client:
        begin_long(stack, client)
        body = {
            "model": "simulated",
            "stream": True,
            "messages": [{"role": "user", "content": "[[slow]] go"}],
        }
        with client.stream("POST", "/v1/chat/completions", json=body) as response:
            pieces = response.iter_bytes()
            for _ in range(3):
                next(pieces)
            os.kill(gateway_of(stack, response), signal.SIGKILL)
            with pytest.raises(httpx.HTTPError):
                for _ in pieces:
                    continue
    wait_until(lambda: person.get("/healthz").status_code == 200, "the gateway is back", 60)
    wait_until(lambda: made(stack) > tokens, "the engines report what they made", 30)
    wait_until(lambda: differences(stack, "simulated") == before, f"the books agree as before ({before})", 60)
