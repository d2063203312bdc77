"""The page: exported files, and only these."""

import asyncio
import base64
import gzip
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from core.settings import Settings
from tests.gateway.client import Gateway, listening

INLINE = "self.x=1;\nconsole.log('é')"
INDEX = f'<html><script src="/_next/static/a.js"></script><script id="x">{INLINE}</script>Welcome</html>'


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("page")
    out = root / "out"
    (out / "_next" / "static").mkdir(parents=True)
    (out / "chat").mkdir()
    (out / "index.html").write_text(INDEX)
    (out / "login.html").write_text("<html>Sign in</html>")
    (out / "shared.html").write_text("<html>Shared</html>")
    (out / "chat" / "index.html").write_text("<html>Chat</html>")
    (out / "404.html").write_text("<html>Nothing here</html>")
    (out / "_next" / "static" / "a.js").write_text("let a = 1;" * 100)
    (out / "logo.png").write_bytes(b"\x89PNG" + bytes(range(256)))
    (root / "secret.txt").write_text("secret")
    (out / "link.txt").symlink_to(root / "secret.txt")
    (out / "linked").symlink_to(root)
    return out


@pytest.fixture(scope="module")
async def page(settings: Settings, exported: Path) -> AsyncIterator[Gateway]:
    async with listening(settings, static_dir=exported) as running:
        yield running


@pytest.fixture
async def browser(page: Gateway) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(page.url, auto_decompress=False) as session:
        yield session


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/", 200, "Welcome"),
        ("/index.html", 200, "Welcome"),
        ("/login", 200, "Sign in"),
        ("/shared/" + "x" * 43, 200, "Shared"),
        ("/shared", 200, "Shared"),
        ("/login/", 200, "Sign in"),
        ("/login.html", 200, "Sign in"),
        ("/chat", 200, "Chat"),
        ("/chat/", 200, "Chat"),
        ("/nothing", 404, "Nothing here"),
        ("/metrics", 404, "Nothing here"),
        ("/.env", 404, "Nothing here"),
    ],
)
async def test_an_address_gets_its_file_and_an_unknown_one_the_404_page(
    browser: aiohttp.ClientSession, path: str, status: int, text: str
) -> None:
    async with browser.get(path, headers={"accept-encoding": "identity"}) as response:
        assert response.status == status
        assert text in await response.text()
        assert response.headers["content-type"].startswith("text/html")
        assert response.headers["cache-control"] == "no-cache"


async def test_only_our_own_scripts_run(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/") as response:
        policy = dict(
            part.strip().split(" ", 1) for part in response.headers["content-security-policy"].split(";")
        )
    wanted = base64.b64encode(hashlib.sha256(INLINE.encode()).digest()).decode()
    assert policy["script-src"].split() == ["'self'", f"'sha256-{wanted}'"]
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["object-src"] == "'none'"


async def test_files_named_by_their_content_are_kept_for_ever(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/_next/static/a.js") as response:
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "javascript" in response.headers["content-type"]


async def test_text_is_compressed_for_who_takes_it_and_pictures_are_not(
    browser: aiohttp.ClientSession,
) -> None:
    async with browser.get("/_next/static/a.js", headers={"accept-encoding": "br, gzip"}) as response:
        assert response.headers["content-encoding"] == "gzip"
        assert response.headers["vary"] == "accept-encoding"
        assert gzip.decompress(await response.read()) == b"let a = 1;" * 100
    async with browser.get("/_next/static/a.js", headers={"accept-encoding": "identity"}) as response:
        assert "content-encoding" not in response.headers
        assert await response.read() == b"let a = 1;" * 100
    async with browser.get("/logo.png", headers={"accept-encoding": "gzip"}) as response:
        assert "content-encoding" not in response.headers
        assert response.headers["content-type"] == "image/png"
        assert await response.read() == b"\x89PNG" + bytes(range(256))


async def test_an_unchanged_file_is_not_sent_again(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/login") as response:
        etag = response.headers["etag"]
    async with browser.get("/login", headers={"if-none-match": etag}) as response:
        assert (response.status, await response.read()) == (304, b"")
        assert response.headers["etag"] == etag
    async with browser.get("/login", headers={"if-none-match": '"other"'}) as response:
        assert response.status == 200


async def test_head_has_the_headers_and_no_body(browser: aiohttp.ClientSession) -> None:
    async with browser.head("/login", headers={"accept-encoding": "identity"}) as response:
        assert response.status == 200
        assert response.headers["content-length"] == str(len("<html>Sign in</html>"))
        assert await response.read() == b""


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_the_page_is_only_read(browser: aiohttp.ClientSession, method: str) -> None:
    async with browser.request(method, "/login") as response:
        assert (response.status, response.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..\\secret.txt",
        "/_next/../../secret.txt",
        "//secret.txt",
        "/./secret.txt",
        "/link.txt",
        "/linked/secret.txt",
        "/%00",
        "/login%00.html",
        "/etc/passwd",
        "//etc/passwd",
    ],
)
async def test_nothing_outside_the_folder_can_be_asked_for(page: Gateway, path: str) -> None:
    host, port = page.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    # By hand, because clients tidy such paths.
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert b"secret" not in answer.replace(path.encode(), b"")
    assert answer.split()[1] in (b"404", b"400")


async def test_errors_of_the_api_are_no_pages(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/api/nothing") as response:
        assert response.headers["content-type"] == "application/problem+json"


async def test_without_an_export_the_page_says_how_to_build_it(settings: Settings, tmp_path: Path) -> None:
    async with (
        listening(settings, static_dir=tmp_path / "none") as bare,
        aiohttp.ClientSession(bare.url) as client,
        client.get("/") as response,
    ):
        assert response.status == 503
        assert "headrace up" in await response.text()


async def test_the_page_of_a_share_link_tells_nobody_its_address(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/shared/" + "x" * 43) as response:
        assert response.headers.getall("referrer-policy") == ["no-referrer"]
        assert response.headers.getall("x-robots-tag") == ["noindex"]
    async with browser.get("/login") as response:
        assert response.headers.getall("referrer-policy") == ["same-origin"]
        assert "x-robots-tag" not in response.headers
