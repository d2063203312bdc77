"""Which requests come from our own page."""

import re
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from core.errors import CrossSiteRequest, UnsupportedMediaType

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Anything else in a Host header could make one address look like another when it is put together.
_HOST: Final = re.compile(r"^[A-Za-z0-9._\-]+(:[0-9]{1,5})?$|^\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?$")
_SCHEMES: Final = {"ws": "http", "wss": "https"}


def is_browser(connection: HTTPConnection) -> bool:
    """Whether a browser's page sent this: browsers add one of these headers, and no page can remove it."""
    return "sec-fetch-site" in connection.headers or "origin" in connection.headers


class OwnOrigin:
    """Tells our own page from others.

    Args:
        public_url: the address people type; needed where a proxy in front changes the Host header.
    """

    def __init__(self, public_url: str) -> None:
        self._public = _normalised(public_url)

    def admit(self, connection: HTTPConnection) -> None:
        """Let a request pass that no other site can have sent. Raises CrossSiteRequest.

        For credentials that a browser adds by itself, so the proof has to be there.
        """
        if not is_browser(connection) or self.is_foreign(connection):
            raise CrossSiteRequest(
                "This request did not come from this site's own page. Behind a proxy, set "
                "HEADRACE_PUBLIC_URL to the address that people type."
            )

    def admit_body(self, connection: HTTPConnection) -> None:
        """Raises UnsupportedMediaType for a body that is not said to be JSON: other sites can send those."""
        headers = connection.headers
        if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
            return
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise UnsupportedMediaType

    def is_foreign(self, connection: HTTPConnection) -> bool:
        """Whether the browser says that another site sent this; False where nothing is said."""
        site = connection.headers.getlist("sec-fetch-site")
        origins = connection.headers.getlist("origin")
        if site and site != ["same-origin"]:
            return True
        return bool(origins) and not (len(origins) == 1 and self._is_own(origins[0], connection))

    def _is_own(self, origin: str, connection: HTTPConnection) -> bool:
        presented = _normalised(origin)
        if presented is None:
            return False
        if presented == self._public:
            return True
        host = connection.headers.get("host", "")
        if not _HOST.match(host):
            return False
        scheme = _SCHEMES.get(connection.scope["scheme"], connection.scope["scheme"])
        # A proxy that ends TLS leaves us with http, so a page that came over https is accepted here as well.
        return presented in (_normalised(f"{scheme}://{host}"), _normalised(f"https://{host}"))


def _normalised(url: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or parts.hostname is None:
        return None
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80)
