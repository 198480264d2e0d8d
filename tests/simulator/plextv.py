"""A simulated plex.tv: signing in with a PIN, and what an account has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
import json
from random import Random
import ssl
import string
from typing import Any, override

from aiohttp import web

from . import faults
from .api import to_xml
from .network import CERT_HASH, plex_direct_name
from .simulated_plex import SimulatedPlex
from .timeline import Clock, WallClock

ACCOUNT_TOKEN = "account-token-5647382910"
REMOTE_ADDRESS = "203.0.113.7"
LIFETIME = 900

_CLIENT = "X-Plex-Client-Identifier"
_PRODUCT = "X-Plex-Product"
_CHARACTERS = string.ascii_lowercase + string.digits
_ERRORS = {
    400: (1000, "{} is missing"),
    401: (1001, "User could not be authenticated"),
    404: (1020, "Code not found or expired"),
}


@dataclass(kw_only=True)
class Pin:
    """A PIN; the token comes when the user has signed in."""

    id: int
    code: str
    client_identifier: str
    product: str
    created: float
    token: str | None = None

    def as_dict(self, now: float) -> dict[str, Any]:
        expires = self.created + LIFETIME
        return {
            "id": self.id,
            "code": self.code,
            "product": self.product,
            "trusted": False,
            "clientIdentifier": self.client_identifier,
            "location": {"code": "NZ", "country": "New Zealand", "city": "Oamaru"},
            "expiresIn": int(expires - now),
            "createdAt": _moment(self.created),
            "expiresAt": _moment(expires),
            "authToken": self.token,
            "newRegistration": None if self.token is None else False,
        }


def _moment(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One way to reach a server."""

    uri: str
    address: str
    port: int
    local: bool = False
    relay: bool = False

    @property
    def ipv6(self) -> bool:
        return ":" in self.address

    def as_dict(self, *, https: bool) -> dict[str, Any]:
        """Return the way as plex.tv lists it; without https, that is a bare address."""
        host = f"[{self.address}]" if self.ipv6 else self.address
        uri = self.uri if https else f"http://{host}:{self.port}"
        return vars(self) | {
            "protocol": uri.partition(":")[0],
            "uri": uri,
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
    connections: list[Connection] = field(default_factory=list)

    def as_dict(self, *, https: bool, ipv6: bool) -> dict[str, Any]:
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
            "relay": any(way.relay for way in ways),
            "presence": True,
            "publicAddressMatches": True,
            "natLoopbackSupported": False,
            "home": False,
            "synced": False,
            "httpsRequired": False,
            "dnsRebindingProtection": False,
            "connections": [way.as_dict(https=https) for way in ways],
        }


def local_https(plex: SimulatedPlex, cert_hash: str = CERT_HASH) -> Connection:
    """Return the way by the name in Plex's certificate; `plex` needs a TLS context."""
    return _named("127.0.0.1", plex.port, cert_hash, local=True)


def local_http(plex: SimulatedPlex, address: str = "127.0.0.1") -> Connection:
    """Return the way by the bare address, without TLS."""
    uri = f"http://{address}:{plex.port}"
    return Connection(uri=uri, address=address, port=plex.port, local=True)


def remote_https() -> Connection:
    """Return the way through the router, where no server answers."""
    return _named(REMOTE_ADDRESS, 32400)


def relay() -> Connection:
    """Return the way through Plex's relay, which no client here should take."""
    return _named("198.51.100.9", 8443, relay=True)


def _named(
    address: str, port: int, cert_hash: str = CERT_HASH, **kind: bool
) -> Connection:
    uri = f"https://{plex_direct_name(address, cert_hash)}:{port}"
    return Connection(uri=uri, address=address, port=port, **kind)


def typical_connections(plex: SimulatedPlex) -> list[Connection]:
    """Return all kinds of ways, the worst first."""
    # It is listed only to those who ask for IPv6.
    uri = f"https://2001-db8-0-0-0-0-0-7.{CERT_HASH}.plex.direct:32400"
    remote_ipv6 = Connection(uri=uri, address="2001:db8::7", port=32400)
    own = [local_http(plex), local_https(plex)]
    return [relay(), remote_ipv6, remote_https(), *own]


class SimulatedPlexTv(faults.FaultyListener):
    """plex.tv with one account, on a real socket."""

    known_faults = faults.STATUSES | {
        "refuse",
        "slow",
        "garbage",
        "wrong-shape",
        "redirect",
    }

    def __init__(
        self, *, tls: ssl.SSLContext | None = None, clock: Clock | None = None
    ) -> None:
        super().__init__(("127.0.0.1", 0), tls)
        self.token = ACCOUNT_TOKEN
        self.resources: list[Resource] = []
        # All PINs so far, the newest last.
        self.pins: list[Pin] = []
        self._clock = WallClock() if clock is None else clock
        self._rng = Random("pins")

    def link(self) -> None:
        """Sign in with the newest PIN, as the user does at app.plex.tv."""
        self.pins[-1].token = self.token

    def expire(self) -> None:
        """Let all PINs be too old."""
        for pin in self.pins:
            pin.created -= LIFETIME

    def add_server(
        self,
        plex: SimulatedPlex,
        *,
        owned: bool = True,
        connections: Iterable[Connection] | None = None,
    ) -> Resource:
        """Let the account have a server, or be a guest there."""
        ways = typical_connections(plex) if connections is None else connections
        resource = Resource(
            name=plex.name,
            client_identifier=plex.machine_identifier,
            provides="server",
            product="Plex Media Server",
            version=lambda: plex.version,
            access_token=lambda: plex.token if owned else plex.shared_token,
            owned=owned,
            connections=list(ways),
        )
        self.resources.append(resource)
        return resource

    def add_player(self) -> None:
        player = Resource(
            name="Sofa",
            client_identifier=f"player-{len(self.resources)}",
            provides="client,player",
            product="Plex for Smart TVs",
            version=lambda: "5.6.7",
            access_token=lambda: "player-token-Sofa",
        )
        self.resources.append(player)

    @override
    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._record(request, self._clock.now(), self._serve(request))

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if (fault := self._take_fault(request.method, request.path)) is None:
            return self._answer(request)
        if fault.name == "slow":
            await fault.wait(self._stopping)
            if not self._stopping.is_set():
                return self._answer(request)
        if fault.name in ("slow", "refuse"):
            raise faults.NoAnswerError
        if (response := faults.plain_answer(fault, request)) is None:
            response = _refused(request, int(fault.name))
            faults.ask_for_patience(response, fault)
        return response

    def _answer(self, request: web.BaseRequest) -> web.Response:
        """Answer one request; strict: what is not here is not found."""
        match request.rel_url.raw_path.split("/"):
            case ["", "api", "v2", "pins"]:
                method, handler = "POST", self._new_pin
            case ["", "api", "v2", "pins", number] if number.isdecimal():
                method, handler = "GET", self._read_pin
            case ["", "api", "v2", "resources"]:
                method, handler = "GET", self._list_resources
            case _:
                return _refused(request, 404)
        if request.method != method:
            return _refused(request, 405)
        if _CLIENT not in request.headers:
            return _refused(request, 400, missing=_CLIENT)
        return handler(request)

    def _new_pin(self, request: web.BaseRequest) -> web.Response:
        if _PRODUCT not in request.headers:
            return _refused(request, 400, missing=_PRODUCT)
        strong = request.query.get("strong", "").lower() in ("true", "1")
        pin = Pin(
            id=self._rng.randrange(10**9, 2 * 10**9),
            code="".join(self._rng.choices(_CHARACTERS, k=25 if strong else 4)),
            client_identifier=request.headers[_CLIENT],
            product=request.headers[_PRODUCT],
            created=self._clock.now(),
        )
        self.pins.append(pin)
        return _said(request, "pin", pin.as_dict(pin.created), status=201)

    def _read_pin(self, request: web.BaseRequest) -> web.Response:
        """Return a PIN to the client that it was made for; an old one is not found."""
        now, asks = self._clock.now(), request.headers[_CLIENT]
        for pin in self.pins:
            known = (str(pin.id), pin.client_identifier) == (request.rel_url.name, asks)
            if known and now < pin.created + LIFETIME:
                return _said(request, "pin", pin.as_dict(now))
        return _refused(request, 404)

    def _list_resources(self, request: web.BaseRequest) -> web.Response:
        # As a part of the address it would end up in logs, so it counts in headers only.
        if request.headers.get("X-Plex-Token") != self.token:
            return _refused(request, 401)
        https, ipv6 = (
            request.query.get(name) == "1" for name in ("includeHttps", "includeIPv6")
        )
        listing = [it.as_dict(https=https, ipv6=ipv6) for it in self.resources]
        return _said(request, "resources", listing)


def _said(
    request: web.BaseRequest, tag: str, content: Any, *, status: int = 200
) -> web.Response:
    """Answer in faults.JSON when asked for, else in faults.XML, under a root of that name."""
    if faults.JSON in request.headers.get("Accept", ""):
        return web.Response(
            status=status, text=json.dumps(content), content_type=faults.JSON
        )
    text = to_xml({tag: _for_xml(tag, content)})
    return web.Response(status=status, text=text, content_type=faults.XML)


def _refused(
    request: web.BaseRequest, status: int, *, missing: str = ""
) -> web.Response:
    """Answer with the error that plex.tv has for a status."""
    code, message = _ERRORS.get(status, (0, HTTPStatus(status).phrase))
    error = {"code": code, "message": message.format(missing), "status": status}
    in_json = faults.JSON in request.headers.get("Accept", "")
    content: Any = {"errors": [error]} if in_json else [error]
    return _said(request, "errors", content, status=status)


def _for_xml(tag: str, content: Any) -> Any:
    """Return lists as elements named in the singular, and what is null as empty."""
    if isinstance(content, list):
        singular = tag.removesuffix("s")
        return {singular: [_for_xml(singular, item) for item in content]}
    if isinstance(content, dict):
        return {key: _for_xml(key, value) for key, value in content.items()}
    return "" if content is None else content
