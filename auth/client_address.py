"""Which address a request came from."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

UNKNOWN = "unknown"


class TrustedProxies:
    """The proxies whose X-Forwarded-For is believed.

    Args:
        entries: addresses or networks. Raises ValueError for anything else.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self._networks: tuple[IPv4Network | IPv6Network, ...] = tuple(
            ip_network(entry, strict=False) for entry in entries
        )

    def __contains__(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._networks)


def client_address(scope: Mapping[str, Any], trusted: TrustedProxies) -> str:
    """The address of whoever speaks to the outermost proxy that we trust.

    X-Forwarded-For is read from the right, where our own proxies write, and only while the one who wrote is
    trusted. Whatever a client puts there itself is never reached. `unknown` where there is no address (a
    Unix socket).
    """
    peer = scope.get("client")
    address = _parse(peer[0]) if peer else None
    if address is None:
        return UNKNOWN
    if address in trusted:
        for entry in reversed(_forwarded_for(scope)):
            earlier = _parse(entry)
            if earlier is None:
                break
            address = earlier
            if address not in trusted:
                break
    return str(address)


def limit_key(address: str) -> str:
    """What to count `address` under: one person holds a whole IPv6 /64."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False))
    return address


def _forwarded_for(scope: Mapping[str, Any]) -> list[str]:
    values = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return [entry for entry in b",".join(values).decode("latin-1").split(",") if entry.strip()]


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    text = text.strip()
    # Some proxies write the port as well.
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or address
    return address
