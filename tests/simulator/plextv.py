"""A simulated plex.tv: signing in with a PIN, and what an account has."""

from collections.abc import Iterable
from dataclasses import dataclass
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
from .network import CERT_HASH, Listener, NoAnswerError, plex_direct_name
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


def _resource(*, owned: bool = True, **fields: Any) -> dict[str, Any]:
    """Return a server or a player of the account; change it at will."""
    return fields | {
        "platform": "Linux",
        "device": "PC",
        "createdAt": "2026-01-02T03:04:05Z",
        "lastSeenAt": "2026-11-22T11:58:00Z",
        "ownerId": None if owned else 4711,
        "sourceTitle": None if owned else "a friend",
        "publicAddress": REMOTE_ADDRESS,
        "owned": owned,
        "presence": True,
        "publicAddressMatches": True,
        "natLoopbackSupported": False,
        "home": False,
        "synced": False,
        "httpsRequired": False,
        "dnsRebindingProtection": False,
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


class SimulatedPlexTv(Listener):
    """plex.tv with one account, on a real socket."""

    def __init__(
        self, *, tls: ssl.SSLContext | None = None, clock: Clock | None = None
    ) -> None:
        super().__init__(("127.0.0.1", 0), tls)
        self.token = ACCOUNT_TOKEN
        self.resources: list[dict[str, Any]] = []
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
    ) -> dict[str, Any]:
        """Let the account have a server, or be a guest there."""
        if connections is None:
            # All kinds of ways, the worst first; IPv6 is listed to those who ask for it.
            uri = f"https://2001-db8-0-0-0-0-0-7.{CERT_HASH}.plex.direct:32400"
            ipv6 = Connection(uri=uri, address="2001:db8::7", port=32400)
            own = [local_http(plex), local_https(plex)]
            connections = [relay(), ipv6, remote_https(), *own]
        resource = _resource(
            owned=owned,
            name=plex.name,
            product="Plex Media Server",
            productVersion=plex.version,
            clientIdentifier=plex.machine_identifier,
            provides="server",
            accessToken=plex.token if owned else plex.shared_token,
            connections=list(connections),
        )
        self.resources.append(resource)
        return resource

    def add_player(self) -> None:
        player = _resource(
            name="Sofa",
            product="Plex for Smart TVs",
            productVersion="5.6.7",
            clientIdentifier="player-Sofa",
            provides="client,player",
            accessToken="player-token-Sofa",
            connections=[],
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
            raise NoAnswerError
        if (response := faults.plain_answer(fault, request)) is None:
            response = _refused(request, int(fault.name))
            if fault.retry_after is not None:
                response.headers["Retry-After"] = str(fault.retry_after)
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
        if not request.headers.get(_CLIENT):
            return _refused(request, 400, missing=_CLIENT)
        return handler(request)

    def _new_pin(self, request: web.BaseRequest) -> web.Response:
        if not request.headers.get(_PRODUCT):
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
        listing = []
        for resource in self.resources:
            ways = [it for it in resource["connections"] if ipv6 or not it.ipv6]
            shown = [way.as_dict(https=https) for way in ways]
            relays = any(way.relay for way in ways)
            listing.append(resource | {"relay": relays, "connections": shown})
        return _said(request, "resources", listing)


def _said(
    request: web.BaseRequest, tag: str, content: Any, *, status: int = 200
) -> web.Response:
    """Answer in JSON when asked for, else in XML, under a root of that name."""
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
