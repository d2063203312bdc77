"""Summaries on the whole stack: two gateways, the broker, a worker, an engine that counts its tokens."""

import time
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.stack

MODEL = "simulated"
# Of 8,192 tokens; a token is up to five characters here.
LONG = "the river rises " * 800


def ask(person: httpx.Client, conversation: str, content: str) -> dict[str, Any]:
    """The answer's message, once it is settled."""
    answer = person.post(
        f"/api/conversations/{conversation}/turns",
        json={"content": content, "model": MODEL, "max_tokens": 64},
        headers={"Accept": "text/event-stream"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    assert "event: turn.completed" in answer.text
    messages = person.get(f"/api/conversations/{conversation}/messages").raise_for_status().json()["items"]
    return dict(messages[-1])


def test_what_outgrows_the_window_is_summarised_by_the_worker_and_read_by_the_next_answer(
    person: httpx.Client,
) -> None:
    made = person.post("/api/conversations", json={"model": MODEL, "summarise": True}).raise_for_status()
    conversation = made.json()["id"]
    for number in range(4):
        answer = ask(person, conversation, f"{number}: {LONG}")
    left_out = answer["trimmed_messages"]
    assert left_out > 0

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        summary = person.get(f"/api/conversations/{conversation}/summary")
        if summary.status_code == 200 and summary.json()["messages"] == left_out:
            break
        time.sleep(0.2)
    else:
        pytest.fail(f"no summary of {left_out} messages: {summary.text}")
    assert summary.json()["text"]

    after = ask(person, conversation, "and now?")
    assert after["summarised_messages"] == left_out
    jobs = [job for job in person.get("/api/jobs").json()["items"] if job["kind"] == "summary"]
    assert jobs
    assert {job["state"] for job in jobs} == {"succeeded"}
    usage = person.get("/api/usage").json()
    # Four and one answers, the title, and the summaries.
    assert usage["total"]["requests"] >= 6 + len(jobs)
