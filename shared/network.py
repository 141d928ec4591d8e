"""From which network a request comes, for counting alone: it lets nobody in.

Promises: a header of the network is believed of a proxy that the operator named, and of nobody else; of a chain of
proxies, the last address that is not one of them counts, for what stands before it anyone may have written. An IPv6
network is a /64, which is what one household or one office has.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import Scope

UNKNOWN = "unknown"
ADDRESS_LENGTH_MAX = 45
IPV6_NETWORK_BITS = 64
Trusted = Sequence[IPv4Network | IPv6Network]


def network_of(peer: str | None, forwarded: str, trusted: Trusted) -> str:
    """The network of whoever sent the request, by the address that is connected to us and X-Forwarded-For."""
    address = _address(peer or "")
    for told in reversed(forwarded.split(",") if forwarded else []):
        if address is None or not _is_one_of(address, trusted):
            break
        before = _address(told.strip())
        if before is None:  # whoever is behind the last that could be read
            break
        address = before
    if address is None:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_NETWORK_BITS), strict=False))
    return str(address)


def network_in(scope: Scope, trusted: Trusted) -> str:
    """The same, by what stands in a request's scope."""
    peer = scope.get("client")
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return network_of(peer[0] if peer else None, ",".join(lines), trusted)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0]) if len(text) <= ADDRESS_LENGTH_MAX else None
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_one_of(address: IPv4Address | IPv6Address, networks: Trusted) -> bool:
    return any(address in network for network in networks)


async def network(request: Request) -> str:
    return network_in(request.scope, request.app.state.core.settings.trusted_proxies)


Network = Annotated[str, Depends(network)]
