"""Requests to identity providers: addresses come from the settings and from what those addresses say."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

import aiohttp
import orjson

from core.errors import ProviderFailed

SECONDS: Final = 10.0
MOST_BYTES: Final = 1_000_000
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def check_address(url: object) -> str:
    """An address that secrets may be sent to: https, or this machine. Raises ProviderFailed."""
    if isinstance(url, str):
        parts = urlsplit(url)
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        if safe and parts.hostname is not None and parts.username is None:
            return url
    raise ProviderFailed("The identity provider names an address that is not https.")


class Fetcher:
    """Bounded requests whose answer is JSON. Redirects are not followed: nobody else gets what we send."""

    def __init__(self) -> None:
        self._http: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS))

    async def stop(self) -> None:
        if self._http is not None:
            http, self._http = self._http, None
            await http.close()

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON behind an address. Raises ProviderFailed."""
        return await self._ask("GET", url, headers=headers)

    async def post(self, url: str, form: Mapping[str, str], auth: tuple[str, str] | None = None) -> Any:
        """The JSON that answers a form. Raises ProviderFailed."""
        headers = {"accept": "application/json"}
        if auth is not None:
            # RFC 6749, 2.3.1: each part is encoded as in a form.
            headers["authorization"] = aiohttp.encode_basic_auth(*(quote_plus(part) for part in auth))
        return await self._ask("POST", url, form=form, headers=headers)

    async def _ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Any:
        if self._http is None:
            raise ProviderFailed
        try:
            async with self._http.request(
                method, check_address(url), headers=headers, data=form, allow_redirects=False
            ) as response:
                body = await response.content.read(MOST_BYTES + 1)
                if response.status != 200 or len(body) > MOST_BYTES:
                    raise ProviderFailed(f"The identity provider answered {response.status}.")
                return orjson.loads(body)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise ProviderFailed from error
