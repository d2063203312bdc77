"""People who chat and programs that use /v1, for Locust. It needs nothing of ours, only the address:

    locust -f benchmarks/locustfile.py --headless -u 10 -r 5 -t 30s --host http://127.0.0.1:8080

Besides Locust's own lines it reports, each under a name of its own, the time to the first token, the time
between two pieces of text, and tokens a second from the request to the last of them (which stand in a
column of milliseconds, but are none). Tokens are those of the stream's usage. Where the server asks to wait,
with Retry-After or a spent rate limit, it waits.

HEADRACE_BENCH_MODEL chooses the model (else the first that is ready), HEADRACE_BENCH_EMAIL and
HEADRACE_BENCH_PASSWORD an existing account for all users (else each registers; an hour allows an address only
some), HEADRACE_BENCH_TOKENS the length of an answer.
"""

import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from typing import Any

import gevent
from locust import FastHttpUser, between, events, task
from locust.exception import StopUser

MODEL = os.environ.get("HEADRACE_BENCH_MODEL", "")
EMAIL = os.environ.get("HEADRACE_BENCH_EMAIL", "")
PASSWORD = os.environ.get("HEADRACE_BENCH_PASSWORD", "")
TOKENS = int(os.environ.get("HEADRACE_BENCH_TOKENS", "128"))

MOST_WAITING_SECONDS = 120.0
MOST_TRIES = 5
MOST_FRAMES = 100_000
TURNS_IN_A_CONVERSATION = 4
QUESTIONS = (
    "What is a headrace, and what is a tailrace?",
    "Name three things that turn because water falls.",
    "Write four lines about a mill in winter.",
    "Which is heavier, a litre of water or a litre of ice?",
)


class Person(FastHttpUser):  # type: ignore[misc]  # locust is in another environment
    """Someone with an account and an access token."""

    abstract = True
    wait_time = between(0.2, 1.0)
    network_timeout = 120.0

    def on_start(self) -> None:
        """Register if need be, log in, and choose the model."""
        self.email = EMAIL or f"locust-{secrets.token_hex(8)}@example.org"
        self.password = PASSWORD or secrets.token_urlsafe(24)
        if not EMAIL:
            account = {"email": self.email, "password": self.password, "name": "Locust"}
            self.ask("POST", "/api/auth/register", account, bearer="")
        self.log_in()
        self.model = MODEL or self.first_ready_model()
        self.asked = 0

    def log_in(self) -> None:
        """A new access token."""
        answer = self.ask(
            "POST", "/api/auth/login", {"email": self.email, "password": self.password}, bearer=""
        )
        self.bearer = str(answer["access_token"])

    def first_ready_model(self) -> str:
        """The name of a model that can be asked now."""
        models = self.ask("GET", "/api/models")["items"]
        ready = [str(model["name"]) for model in models if model["state"] == "ready"]
        if not ready:
            raise StopUser("no model is ready")
        return ready[0]

    def ask(
        self, method: str, path: str, body: object | None = None, *, bearer: str | None = None
    ) -> dict[str, Any]:
        """The JSON answer of a small request; waits and repeats where the server asks for it."""
        for _ in range(MOST_TRIES):
            with self.client.request(
                method,
                path,
                name=re.sub(r"_[0-9a-f]{32}", "_*", path),
                json=body,
                headers=self.headers(bearer),
                catch_response=True,
            ) as response:
                if response.status_code in (429, 503):
                    # It said when to come back: that is no failure.
                    response.success()
                    wait(response.headers)
                    continue
                if response.status_code >= 400 or response.status_code == 0:
                    response.failure(f"status {response.status_code}")
                    raise StopUser(f"{path}: {response.status_code}")
                heed(response.headers)
                found: dict[str, Any] = json.loads(response.content or b"{}")
                return found
        raise StopUser(f"{path}: still refused after {MOST_TRIES} tries")

    def headers(self, bearer: str | None = None, accept: str = "application/json") -> dict[str, str]:
        """With this token, or one's own; none where it is empty."""
        token = self.bearer if bearer is None else bearer
        found = {"accept": accept, "accept-encoding": "identity", "content-type": "application/json"}
        if token:
            found["authorization"] = f"Bearer {token}"
        return found

    def stream(self, path: str, name: str, body: object, bearer: str | None = None) -> Iterator[bytes]:
        """The frames of an event stream as they come; nothing where the server asks to wait."""
        with self.client.post(
            path,
            name=name,
            data=json.dumps(body),
            headers=self.headers(bearer, "text/event-stream"),
            stream=True,
            catch_response=True,
        ) as response:
            if response.status_code in (429, 503):
                response.success()
                wait(response.headers)
                return
            if response.status_code == 401 and bearer is None:
                response.success()
                self.log_in()
                return
            if response.status_code != 200:
                response.failure(f"status {response.status_code}")
                return
            for _ in range(MOST_FRAMES):
                frame = response.stream.readline(b"\n\n")
                if not frame:
                    break
                yield frame
            heed(response.headers)

    def question(self) -> str:
        """The next one."""
        self.asked += 1
        return QUESTIONS[self.asked % len(QUESTIONS)]


class ChatUser(Person):
    """Opens a conversation, asks some questions in it, and opens the next."""

    weight = 3

    def on_start(self) -> None:
        """As every person, and with no conversation yet."""
        super().on_start()
        self.conversation = ""
        self.turns = 0

    @task  # type: ignore[untyped-decorator]
    def chat(self) -> None:
        """One turn, followed to its end."""
        if not self.conversation or self.turns >= TURNS_IN_A_CONVERSATION:
            self.conversation = str(self.ask("POST", "/api/conversations", {})["id"])
            self.turns = 0
        self.turns += 1
        clock = Clock("chat")
        ended = ""
        body = {"content": self.question(), "model": self.model, "max_tokens": TOKENS}
        path = f"/api/conversations/{self.conversation}/turns"
        for frame in self.stream(path, "/api/conversations/*/turns", body):
            kind, data = event_of(frame)
            if kind == "delta":
                clock.text()
            elif kind == "usage":
                clock.tokens = int(data["completion_tokens"])
            elif kind in ("turn.completed", "turn.stopped", "turn.failed"):
                ended = kind
        clock.report(None if ended == "turn.completed" else f"the turn ended with {ended or 'nothing'}")


class OpenAIUser(Person):
    """Uses the OpenAI surface with an API key of its own."""

    weight = 1

    def on_start(self) -> None:
        """As every person, and with a key."""
        super().on_start()
        self.key = str(self.ask("POST", "/api/keys", {"name": "locust"})["key"])

    @task  # type: ignore[untyped-decorator]
    def complete(self) -> None:
        """One streamed completion."""
        clock = Clock("v1")
        done = False
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": self.question()}],
            "max_tokens": TOKENS,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        for frame in self.stream("/v1/chat/completions", "/v1/chat/completions", body, self.key):
            if b"[DONE]" in frame:
                done = True
                continue
            _, data = event_of(frame)
            if data.get("usage"):
                clock.tokens = int(data["usage"]["completion_tokens"])
            if any(choice["delta"].get("content") for choice in data.get("choices", [])):
                clock.text()
        clock.report(None if done else "the stream did not end with [DONE]")


class Clock:
    """The times of one stream, reported as requests with names of their own."""

    def __init__(self, surface: str) -> None:
        self._surface = surface
        self._begun = time.perf_counter()
        self._first: float | None = None
        self._last = 0.0
        self.tokens = 0

    def text(self) -> None:
        """A piece of text has come."""
        now = time.perf_counter()
        if self._first is None:
            self._first = now
            self._fire("time to first token", (now - self._begun) * 1000)
        else:
            self._fire("inter-token latency", (now - self._last) * 1000)
        self._last = now

    def report(self, failure: str | None) -> None:
        """The stream has ended. One that never began, because the server asked to wait, says nothing."""
        if self._first is None:
            return
        if failure is not None:
            self._fire("stream", 0.0, RuntimeError(failure))
            return
        self._fire("tokens/s (no ms)", self.tokens / (self._last - self._begun))

    def _fire(self, what: str, value: float, failure: Exception | None = None) -> None:
        events.request.fire(
            request_type="STREAM",
            name=f"{self._surface}: {what}",
            response_time=value,
            response_length=self.tokens,
            exception=failure,
            context={},
        )


def event_of(frame: bytes) -> tuple[str, dict[str, Any]]:
    """The kind and the data of one frame; empty for a comment."""
    kind, data = "", b""
    for line in frame.splitlines():
        if line.startswith(b"event:"):
            kind = line[6:].strip().decode()
        elif line.startswith(b"data:"):
            data += line[5:].strip()
    return kind, json.loads(data) if data else {}


def wait(headers: Any) -> None:
    """As long as Retry-After says, within reason."""
    text = headers.get("retry-after") or "1"
    gevent.sleep(min(MOST_WAITING_SECONDS, float(text) if text.replace(".", "", 1).isdigit() else 1.0))


def heed(headers: Any) -> None:
    """Where the answer says that nothing is left of the rate limit, wait until it is renewed."""
    if headers.get("x-ratelimit-remaining-requests") == "0":
        reset = re.fullmatch(r"([\d.]+)s?", headers.get("x-ratelimit-reset-requests") or "")
        gevent.sleep(min(MOST_WAITING_SECONDS, float(reset[1]) if reset else 1.0))
