"""Made-up requests, right and wrong by the description: each gets an answer of the contract, none a 500."""

import asyncio
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from tests.gateway.client import Gateway, Person
from tests.gateway.openai_description import DESCRIPTION

# For each route and each way of making requests up.
EXAMPLES = 15
# What the session needs to live on until the end.
ENDS_THE_SESSION = {"/api/auth/logout", "/api/auth/step-up"}


def fuzz(description: dict[str, Any], url: str, headers: dict[str, str], prefix: str) -> list[str]:
    """Everything that was answered as it must not be."""
    faults: list[str] = []
    asked = 0

    def check(case: schemathesis.Case) -> None:
        nonlocal asked
        asked += 1
        response = case.call(base_url=url, headers=headers, timeout=30)
        is_error = response.status_code >= 400
        if response.status_code >= 500 and response.status_code != 503:
            faults.append(f"{case.as_curl_command()} -> {response.status_code} {response.text[:200]}")
        elif is_error and "json" not in response.headers.get("content-type", [""])[0]:
            faults.append(f"{case.as_curl_command()} -> an error without a problem")

    for result in schemathesis.openapi.from_dict(description).get_all_operations():
        operation = result.ok()
        if not operation.path.startswith(prefix) or operation.path in ENDS_THE_SESSION:
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                strategy = operation.as_strategy(mode)
            except schemathesis.errors.SchemathesisError:
                # There is nothing to get wrong in a request without parameters.
                continue
            checked = given(case=strategy)(check)
            relaxed = settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            )
            try:
                relaxed(checked)()
            except hypothesis.errors.Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE, operation.path
    assert asked > 4 * EXAMPLES
    return faults


@pytest.mark.timeout(600)
async def test_the_ways_in_survive_made_up_requests(gateway: Gateway, person: Person) -> None:
    _, description = await person.call("GET", "/api/openapi.json")
    headers = dict(person.http.headers)
    for sent in (headers, {}):
        assert await asyncio.to_thread(fuzz, description, gateway.url, sent, "/api/auth") == []


@pytest.mark.timeout(600)
async def test_v1_survives_made_up_requests(gateway: Gateway, person: Person) -> None:
    headers = {"Authorization": f"Bearer {await person.key()}"}
    assert await asyncio.to_thread(fuzz, DESCRIPTION, gateway.url, headers, "/v1") == []
