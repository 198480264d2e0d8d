"""Names of servers for tests: which resolve, to what, and which do not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address, ip_network
import socket
from typing import Self
from unittest.mock import patch

from aiohttp.abc import ResolveResult
from aiohttp.resolver import AsyncResolver

CERT_HASH = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"

_LOOPBACK = "127.0.0.1"
# Nobody listens there.
_CLOSED_PORT = 9
_HOME = tuple(
    ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)
# aiohttp has the number of an error here, and for a name that there is not it is None.
_UNKNOWN_NAME = (None, "Domain name not found")


def plex_direct_name(address: str, cert_hash: str = CERT_HASH) -> str:
    """Return the name under which Plex's certificate is good for an IPv4 address."""
    return f"{address.replace('.', '-')}.{cert_hash}.plex.direct"


class Names:
    """Stands in for DNS in what aiohttp asks; addresses written as such never ask.

    Known are localhost, what `point` names, and `*.<hash>.plex.direct`: as at Plex the
    name says the address. The loopback one leads here and all others to a closed port,
    so that no test leaves the machine. Everything else cannot be resolved.
    """

    def __init__(self) -> None:
        """Know what everybody knows."""
        self.asked: list[str] = []
        # Routers that have it hide names that lead into the home's own network.
        self.rebinding_protection = False
        self._pointed: dict[str, tuple[str, int | None]] = {
            "localhost": (_LOOPBACK, None)
        }

    def point(
        self, name: str, port: int | None = None, address: str = _LOOPBACK
    ) -> None:
        """Let a name lead to an address; a port takes the place of the URL's."""
        self._pointed[name] = (address, port)

    def forget(self, name: str) -> None:
        """Let a name lead nowhere; who has just asked keeps the answer for 10 s.

        Their `connector.clear_dns_cache()` lets them ask again.
        """
        self._pointed.pop(name, None)

    @contextmanager
    def in_force(self) -> Iterator[Self]:
        """Answer all questions of this process' aiohttp sessions."""

        async def resolve(
            _resolver: AsyncResolver,
            host: str,
            port: int = 0,
            family: socket.AddressFamily = socket.AF_INET,
        ) -> list[ResolveResult]:
            return [self._resolve(host, port)]

        async def getaddrinfo(
            _loop: asyncio.BaseEventLoop, host: str, port: int, **_hints: object
        ) -> list[tuple[object, ...]]:
            found = self._resolve(host, port)
            address = (found["host"], found["port"])
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address)]

        with (
            patch.object(AsyncResolver, "resolve", resolve),
            # asyncio's own connections ask the system.
            patch.object(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo),
        ):
            yield self

    def _resolve(self, host: str, port: int) -> ResolveResult:
        self.asked.append(host)
        address, own_port = self._lookup(host)
        return ResolveResult(
            hostname=host,
            host=address,
            port=port if own_port is None else own_port,
            family=socket.AF_INET,
            proto=0,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )

    def _lookup(self, host: str) -> tuple[str, int | None]:
        if host in self._pointed:
            return self._pointed[host]
        address = _address_in(host)
        if address is None or (self.rebinding_protection and _is_home(address)):
            raise OSError(*_UNKNOWN_NAME)
        return _LOOPBACK, None if address == _LOOPBACK else _CLOSED_PORT


def _address_in(host: str) -> str | None:
    """Return the address that a name of Plex's says; None if it is no such name."""
    dashed, _, domain = host.partition(".")
    if not domain.endswith(".plex.direct"):
        return None
    for separator in (".", ":"):
        with suppress(ValueError):
            return str(ip_address(dashed.replace("-", separator)))
    return None


def _is_home(address: str) -> bool:
    return any(ip_address(address) in network for network in _HOME)
