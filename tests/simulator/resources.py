"""What an account has: servers and players, and ways to reach them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .names import CERT_HASH, plex_direct_name
from .simulated_plex import SimulatedPlex

REMOTE_ADDRESS = "203.0.113.7"
RELAY_ADDRESS = "198.51.100.9"
IPV6_ADDRESS = "2001:db8::7"


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One way to reach a server."""

    uri: str
    address: str
    port: int
    local: bool = False
    relay: bool = False

    @property
    def protocol(self) -> str:
        """Return http or https."""
        return self.uri.partition(":")[0]

    @property
    def ipv6(self) -> bool:
        """Return if the address is one of IPv6."""
        return ":" in self.address

    def as_dict(self, *, https: bool) -> dict[str, Any]:
        """Return the way as plex.tv tells it; who wants no https gets bare addresses."""
        host = f"[{self.address}]" if self.ipv6 else self.address
        return {
            "protocol": self.protocol if https else "http",
            "address": self.address,
            "port": self.port,
            "uri": self.uri if https else f"http://{host}:{self.port}",
            "local": self.local,
            "relay": self.relay,
            "IPv6": self.ipv6,
        }


@dataclass(kw_only=True)
class Resource:
    """A server or a player of the account; change it at will."""

    name: str
    client_identifier: str
    provides: str
    product: str
    version: Callable[[], str]
    access_token: Callable[[], str]
    owned: bool = True
    present: bool = True
    https_required: bool = False
    connections: list[Connection] = field(default_factory=list)

    @property
    def is_server(self) -> bool:
        """Return if this is a media server."""
        return "server" in self.provides.split(",")

    def as_dict(self, *, https: bool, ipv6: bool) -> dict[str, Any]:
        """Return the resource as plex.tv tells it."""
        ways = [way for way in self.connections if ipv6 or not way.ipv6]
        return {
            "name": self.name,
            "product": self.product,
            "productVersion": self.version(),
            "platform": "Linux",
            "device": "PC",
            "clientIdentifier": self.client_identifier,
            "createdAt": "2026-01-02T03:04:05Z",
            "lastSeenAt": "2026-11-22T11:58:00Z",
            "provides": self.provides,
            "ownerId": None if self.owned else 4711,
            "sourceTitle": None if self.owned else "a friend",
            "publicAddress": REMOTE_ADDRESS,
            "accessToken": self.access_token(),
            "owned": self.owned,
            "home": False,
            "synced": False,
            "relay": any(way.relay for way in ways),
            "presence": self.present,
            "httpsRequired": self.https_required,
            "publicAddressMatches": True,
            "dnsRebindingProtection": False,
            "natLoopbackSupported": False,
            "connections": [way.as_dict(https=https) for way in ways],
        }


def server_resource(
    plex: SimulatedPlex, *, owned: bool, connections: Iterable[Connection]
) -> Resource:
    """Return a server as its owner, or a guest, sees it at plex.tv."""
    return Resource(
        name=plex.name,
        client_identifier=plex.machine_identifier,
        provides="server",
        product="Plex Media Server",
        version=lambda: plex.version,
        access_token=lambda: plex.token if owned else plex.shared_token,
        owned=owned,
        connections=list(connections),
    )


def local_https(
    plex: SimulatedPlex, cert_hash: str = CERT_HASH, address: str = "127.0.0.1"
) -> Connection:
    """Return the way by the name in Plex's certificate; give `plex` a TLS context."""
    return _named(address, plex.port, cert_hash, local=True)


def local_http(plex: SimulatedPlex, address: str = "127.0.0.1") -> Connection:
    """Return the way by the bare address, without TLS."""
    uri = f"http://{address}:{plex.port}"
    return Connection(uri=uri, address=address, port=plex.port, local=True)


def remote_https(cert_hash: str = CERT_HASH) -> Connection:
    """Return the way through the router, where nobody answers."""
    return _named(REMOTE_ADDRESS, 32400, cert_hash)


def remote_ipv6(cert_hash: str = CERT_HASH) -> Connection:
    """Return a way that is listed only to those who ask for IPv6."""
    name = f"2001-db8-0-0-0-0-0-7.{cert_hash}.plex.direct"
    return Connection(uri=f"https://{name}:32400", address=IPV6_ADDRESS, port=32400)


def relay(cert_hash: str = CERT_HASH) -> Connection:
    """Return the way through Plex's relay, which nobody should take."""
    return _named(RELAY_ADDRESS, 8443, cert_hash, relay=True)


def typical_connections(
    plex: SimulatedPlex, cert_hash: str = CERT_HASH
) -> list[Connection]:
    """Return all kinds of ways, the worst first."""
    return [
        relay(cert_hash),
        remote_ipv6(cert_hash),
        remote_https(cert_hash),
        local_http(plex),
        local_https(plex, cert_hash),
    ]


def _named(address: str, port: int, cert_hash: str, **kind: bool) -> Connection:
    uri = f"https://{plex_direct_name(address, cert_hash)}:{port}"
    return Connection(uri=uri, address=address, port=port, **kind)
