"""The page: exported files, served from the same origin as the API."""

import base64
import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import anyio
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

_INLINE_SCRIPT: Final = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
_COMPRESSIBLE: Final = ("text/", "application/javascript", "application/json", "image/svg+xml")
# File names that carry a hash of their content never change.
_IMMUTABLE: Final = "/_next/static/"
# Behind it is the secret of a share link: not for search engines, nor for the sites that the text links to.
_SHARED: Final = "/shared/"
MAX_FILE_BYTES: Final = 32 * 1024 * 1024


@dataclass
class _File:
    path: Path
    media_type: str
    content: bytes | None = None
    compressed: bytes | None = None
    etag: str = ""
    policy: bytes = field(default=b"")


class Page:
    """An ASGI application for everything that is not the API.

    The list of files is read once; a path that is not in it cannot be asked for, whatever it looks like.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files: dict[str, _File] = {}

    async def start(self) -> None:
        """Find the files. A missing folder leaves a page that says how to build it."""
        self._files = await anyio.to_thread.run_sync(self._scan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(scope)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response:
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("Method not allowed.\n", 405, {"allow": "GET, HEAD"})
        if not self._files:
            return PlainTextResponse(
                "The page has not been built. Run ./headrace up, which builds it.\n", status_code=503
            )
        path: str = scope["path"]
        file, status = self._find(path), 200
        if file is None:
            file, status = self._files.get("/404.html"), 404
            if file is None:
                return PlainTextResponse("Not found.\n", status_code=404)
        if file.content is None:
            await anyio.to_thread.run_sync(_load, file)
        return _respond(file, status, path, Headers(scope=scope))

    def _find(self, path: str) -> _File | None:
        bare = path.rstrip("/")
        if path.startswith(_SHARED):
            # One page shows whatever link is opened.
            bare = _SHARED.rstrip("/")
        for name in (path, f"{bare}.html", f"{bare}/index.html"):
            if name in self._files:
                return self._files[name]
        return None

    def _scan(self) -> dict[str, _File]:
        files = {}
        if self._directory.is_dir():
            root = self._directory.resolve()
            for path in sorted(root.rglob("*")):
                if path.is_file() and not path.is_symlink() and path.stat().st_size <= MAX_FILE_BYTES:
                    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
                    files["/" + path.relative_to(root).as_posix()] = _File(path, kind)
        return files


def _load(file: _File) -> None:
    content = file.path.read_bytes()
    file.etag = '"' + hashlib.sha256(content).hexdigest()[:32] + '"'
    if file.media_type.startswith(_COMPRESSIBLE) or file.media_type == "text/javascript":
        file.compressed = gzip.compress(content, 6, mtime=0)
    if file.media_type == "text/html":
        file.policy = _policy(content)
    file.content = content


def _policy(html: bytes) -> bytes:
    """Only our own scripts run: files of this origin, and the inline ones that stood in the exported page."""
    hashes = {
        b"'sha256-" + base64.b64encode(hashlib.sha256(script).digest()) + b"'"
        for script in _INLINE_SCRIPT.findall(html)
    }
    return b"; ".join(
        [
            b"default-src 'self'",
            b"script-src 'self' " + b" ".join(sorted(hashes)),
            # The code highlighter colours by style attributes.
            b"style-src 'self' 'unsafe-inline'",
            b"img-src 'self' data: blob:",
            b"font-src 'self' data:",
            b"connect-src 'self'",
            b"object-src 'none'",
            b"base-uri 'self'",
            b"form-action 'self'",
            b"frame-ancestors 'none'",
        ]
    )


def _respond(file: _File, status: int, path: str, asked: Headers) -> Response:
    headers = {
        "etag": file.etag,
        "vary": "accept-encoding",
        "cache-control": "public, max-age=31536000, immutable" if path.startswith(_IMMUTABLE) else "no-cache",
    }
    if file.policy:
        headers["content-security-policy"] = file.policy.decode()
    if path.startswith(_SHARED):
        headers |= {"x-robots-tag": "noindex", "referrer-policy": "no-referrer"}
    if status == 200 and asked.get("if-none-match") == file.etag:
        return Response(status_code=304, headers=headers)
    content = file.content or b""
    if file.compressed is not None and "gzip" in asked.get("accept-encoding", ""):
        content = file.compressed
        headers["content-encoding"] = "gzip"
    return Response(content, status_code=status, headers=headers, media_type=file.media_type)
