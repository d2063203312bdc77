"""Nobody but our gateway reaches an engine, and only on the listed routes."""

import pytest

from serve.guard import ENGINE_ROUTES, Guard, Message, Receive, Scope, Send
from tests.serve.asgi import TOKEN, call

BEARER = {"authorization": f"Bearer {TOKEN}"}


class Engine:
    """Answers everything and remembers what it saw."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        if scope["type"] == "http":
            headers = [(b"server", b"engine/1.0"), (b"x-kept", b"yes"), (b"X-Headrace-Replica", b"forged")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"answer"})


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def guard(engine: Engine) -> Guard:
    return Guard(engine, TOKEN, "model--r1#abc")


@pytest.mark.parametrize(("method", "path"), sorted(ENGINE_ROUTES))
async def test_the_token_opens_every_listed_route(
    guard: Guard, engine: Engine, method: str, path: str
) -> None:
    answered = await call(
        guard, method, path, headers={**BEARER, "X-Request-Id": "req-1"}, prefix="/m/model/r1"
    )
    assert (answered.status, answered.body) == (200, b"answer")
    assert answered.header("x-headrace-replica") == "model--r1#abc"
    assert answered.header("x-request-id") == "req-1"
    assert answered.header("x-kept") == "yes"
    assert answered.header("server") is None


@pytest.mark.parametrize(
    "presented", ["", "Bearer ", "Bearer wrong", TOKEN, f"bearer {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"]
)
async def test_without_the_exact_token_the_engine_is_not_asked(
    guard: Guard, engine: Engine, presented: str
) -> None:
    answered = await call(guard, "POST", "/v1/chat/completions", headers={"authorization": presented})
    assert answered.status == 401
    assert answered.json()["error"]["code"] == "unauthenticated"
    assert answered.header("www-authenticate") == "Bearer"
    assert engine.scopes == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models"),
        ("GET", "/openapi.json"),
        ("GET", "/metrics"),
        ("GET", "/version"),
        ("POST", "/pause"),
        ("POST", "/update_weights"),
        ("POST", "/invocations"),
        ("POST", "/v1/load_lora_adapter"),
        ("POST", "/detokenize"),
        ("GET", "/v1/chat/completions"),
        ("POST", "/health"),
        ("POST", "/v1/chat/completions/"),
        ("POST", "//v1/chat/completions"),
        ("POST", "/v1/../v1/completions"),
        ("POST", "/V1/completions"),
        ("OPTIONS", "/v1/completions"),
    ],
)
async def test_nothing_else_is_passed_on(guard: Guard, engine: Engine, method: str, path: str) -> None:
    answered = await call(guard, method, path, headers=BEARER, prefix="/m/model/r1")
    assert (answered.status, answered.json()["error"]["code"]) == (404, "not_found")
    assert engine.scopes == []


async def test_who_has_no_token_does_not_learn_which_routes_there_are(guard: Guard) -> None:
    known = await call(guard, "POST", "/v1/completions")
    unknown = await call(guard, "POST", "/secret")
    assert (known.status, known.body) == (unknown.status, unknown.body) == (401, known.body)


async def test_the_engine_never_sees_the_token(guard: Guard, engine: Engine) -> None:
    await call(guard, "GET", "/health", headers={**BEARER, "traceparent": "00-1"})
    assert [name for name, _ in engine.scopes[0]["headers"]] == [b"traceparent"]


async def test_a_long_request_id_is_cut(guard: Guard) -> None:
    answered = await call(guard, "GET", "/health", headers={**BEARER, "x-request-id": "a" * 5000})
    assert answered.header("x-request-id") == "a" * 128


async def test_where_the_server_repeats_the_request_id_the_guard_does_not(engine: Engine) -> None:
    guard = Guard(engine, TOKEN, "r", echo_request_id=False)
    answered = await call(guard, "GET", "/health", headers={**BEARER, "x-request-id": "a"})
    assert answered.header("x-request-id") is None


async def test_a_websocket_is_closed(guard: Guard, engine: Engine) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    await guard({"type": "websocket", "path": "/v1/realtime", "headers": []}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]
    assert engine.scopes == []


async def test_the_lifespan_reaches_the_engine(guard: Guard, engine: Engine) -> None:
    async def nothing() -> Message:
        return {"type": "lifespan.startup"}

    async def drop(message: Message) -> None:
        assert message["type"]

    await guard({"type": "lifespan"}, nothing, drop)
    assert [scope["type"] for scope in engine.scopes] == ["lifespan"]


def test_an_empty_token_guards_nothing_and_is_refused() -> None:
    with pytest.raises(ValueError, match="token is empty"):
        Guard(Engine(), "", "r")
