"""The whole stack with the simulated engine: what a person, a script and a load tester do."""

import json
import re
import subprocess

import httpx
import openai
import pytest

from tests.stack.conftest import ROOT, Stack, ask, wait_until

pytestmark = pytest.mark.stack


def test_the_curl_line_that_up_prints_streams_an_answer(stack: Stack) -> None:
    printed = stack.headrace("up", "--detach", check=False).stdout
    block = re.search(r"curl .*?(?:\n\s*\n|\Z)", printed, re.DOTALL)
    assert block, printed
    done = subprocess.run(  # noqa: S602 - it is meant for a shell, and it is our own
        block.group(0), shell=True, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "data: [DONE]" in done.stdout


def test_a_title_of_at_most_six_words_arrives_by_itself(stack: Stack, person: httpx.Client) -> None:
    conversation, text = ask(person, "simulated", "Tell me about rivers")
    assert text
    wait_until(lambda: _title(person, conversation) is not None, "the conversation has a title", 20)
    assert 1 <= len(str(_title(person, conversation)).split()) <= 6


def _title(person: httpx.Client, conversation: str) -> str | None:
    title: str | None = person.get(f"/api/conversations/{conversation}").json()["title"]
    return title


def test_the_openai_package_unchanged_streams_and_counts(stack: Stack) -> None:
    with openai.OpenAI(base_url=f"{stack.url}/v1", api_key=stack.key, max_retries=0) as client:
        whole = client.chat.completions.create(
            model="simulated", messages=[{"role": "user", "content": "Say something"}]
        )
        assert whole.choices[0].message.content
        assert whole.usage
        chunks = list(
            client.chat.completions.create(
                model="simulated",
                messages=[{"role": "user", "content": "Say something"}],
                stream=True,
                stream_options={"include_usage": True},
            )
        )
        streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert streamed == whole.choices[0].message.content
        assert chunks[-1].usage == whole.usage


def test_a_client_that_leaves_frees_the_engine_within_a_second(stack: Stack) -> None:
    before = _engine_counts(stack)
    with (
        httpx.Client(base_url=stack.url, timeout=30) as client,
        client.stream(
            "POST",
            "/v1/chat/completions",
            headers={"Authorization": f"Bearer {stack.key}"},
            json={
                "model": "simulated",
                "messages": [{"role": "user", "content": "[[long]] [[slow]]"}],
                "stream": True,
            },
        ) as stream,
    ):
        assert stream.status_code == 200
        next(stream.iter_bytes())
    wait_until(lambda: _engine_counts(stack)["cancelled"] > before["cancelled"], "the engine is free", 1.5)


def _engine_counts(stack: Stack) -> dict[str, int]:
    """The engine's own counters, asked behind the guard."""
    ports = stack.services()
    token = (stack.var_dir / "secrets" / "internal-token").read_text().strip()
    answer = httpx.get(
        f"http://127.0.0.1:{ports['ray']['port']}/m/simulated/r1/stats",
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    )
    counts: dict[str, int] = json.loads(answer.text)
    return counts
