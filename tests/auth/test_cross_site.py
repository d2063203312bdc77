import httpx
import pytest

from tests.auth.process import PUBLIC_URL, MakePerson, Person, Process


@pytest.fixture
async def kim(process: Process, person: MakePerson) -> Person:
    return await person(process)


def with_cookie(person: Person, **headers: str) -> dict[str, str]:
    return {"cookie": f"__Host-headrace_access={person.access_token}", **headers}


FOREIGN = [
    {},
    {"origin": "https://attacker.example"},
    {"origin": "null"},
    {"origin": ""},
    {"origin": f"{PUBLIC_URL}.attacker.example"},
    {"origin": f"{PUBLIC_URL}@attacker.example"},
    {"origin": f"{PUBLIC_URL}:8443"},
    {"origin": "http://chat.example.com"},
    {"origin": "https://chat.example.com:99999"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": ""},
    {"sec-fetch-site": "cross-site", "origin": PUBLIC_URL},
    {"sec-fetch-site": "same-origin", "origin": "https://attacker.example"},
    {"origin": "https://attacker.example", "host": "attacker.example/?x"},
    {"origin": "https://attacker.example", "host": "attacker.example@chat.example.com"},
]

OWN = [
    {"origin": PUBLIC_URL},
    {"origin": "https://CHAT.example.com:443"},
    {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "same-origin", "origin": PUBLIC_URL},
    {"origin": "https://other.example.net", "host": "other.example.net"},
    {"origin": "http://localhost:8080", "host": "localhost:8080"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
async def test_changes_by_cookie_that_another_site_could_have_sent_are_refused(
    process: Process, kim: Person, method: str, headers: dict[str, str]
) -> None:
    async with process.client() as http:
        answer = await http.request(method, "/api/probe", headers=with_cookie(kim, **headers))
    assert answer.status_code == 403
    assert answer.json()["code"] == "csrf"


@pytest.mark.parametrize("headers", OWN, ids=str)
async def test_changes_by_cookie_from_our_own_page_pass(
    process: Process, kim: Person, headers: dict[str, str]
) -> None:
    scheme = "http" if headers.get("origin", "").startswith("http://") else "https"
    transport = httpx.ASGITransport(app=process.app)
    async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://chat.example.com") as http:
        answer = await http.post("/api/probe", headers=with_cookie(kim, **headers))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "text/json"],
)
async def test_json_said_to_be_something_else_is_refused(process: Process, kim: Person, kind: str) -> None:
    headers = {"origin": PUBLIC_URL, "sec-fetch-site": "same-origin", "content-type": kind}
    async with process.client() as http:
        made = await http.post("/api/keys", content=b'{"name":"k"}', headers=with_cookie(kim, **headers))
        login = await http.post(
            "/api/auth/login",
            content=f'{{"email":"{kim.email}","password":"{kim.password}"}}'.encode(),
            headers=headers,
        )
        keys = await http.get("/api/keys", headers=kim.bearer)
    assert made.status_code in (415, 422)
    assert login.status_code in (415, 422)
    assert keys.json() == {"items": []}


async def test_bearer_requests_need_no_proof_because_no_page_can_send_them(
    process: Process, kim: Person
) -> None:
    async with process.client() as http:
        for headers in ({}, {"origin": "https://app.example.net", "sec-fetch-site": "cross-site"}):
            assert (await http.post("/api/probe", headers={**kim.bearer, **headers})).status_code == 200


@pytest.mark.parametrize("path", ["login", "register", "refresh", "logout"])
async def test_another_site_cannot_sign_anybody_in_or_out(process: Process, kim: Person, path: str) -> None:
    body = {"email": kim.email, "password": kim.password}
    async with process.client() as http:
        for headers in ({"origin": "https://attacker.example"}, {"sec-fetch-site": "cross-site"}):
            answer = await http.post(f"/api/auth/{path}", json=body, headers=with_cookie(kim, **headers))
            assert answer.status_code == 403
            assert "set-cookie" not in answer.headers
        assert (await http.get("/api/auth/me", headers=kim.bearer)).status_code == 200


async def test_the_refresh_cookie_needs_proof_that_the_page_is_ours(process: Process, kim: Person) -> None:
    cookie = {"cookie": f"__Host-headrace_refresh={kim.refresh_token}"}
    async with process.client() as http:
        for path in ("refresh", "logout"):
            assert (await http.post(f"/api/auth/{path}", headers=cookie)).status_code == 403
        assert (await http.get("/api/auth/me", headers=kim.bearer)).status_code == 200


@pytest.mark.parametrize(
    "path", ["/api/auth/login", "/api/auth/logout", "/api/auth/refresh", "/api/events/ticket"]
)
async def test_nothing_changes_by_get(process: Process, kim: Person, path: str) -> None:
    async with process.client() as http:
        assert (await http.get(path, headers=kim.bearer)).status_code == 405
        assert (await http.get("/api/auth/me", headers=kim.bearer)).status_code == 200


async def test_no_answer_opens_itself_to_other_origins(process: Process, kim: Person) -> None:
    async with process.client() as http:
        for method, path in (("OPTIONS", "/api/auth/login"), ("GET", "/api/auth/me"), ("POST", "/api/keys")):
            answer = await http.request(
                method, path, headers={**kim.bearer, "origin": "https://attacker.example"}
            )
            assert not [name for name in answer.headers if name.startswith("access-control-")]
