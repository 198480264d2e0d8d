"""An account at plex.tv: how clients sign in to it, and what it has."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from .clock import Clock
from .pins import Pin, PinBook
from .plextv_answers import refused, said
from .resources import Connection, Resource, server_resource, typical_connections
from .simulated_plex import SimulatedPlex

ACCOUNT_TOKEN = "account-token-5647382910"

_CLIENT = "X-Plex-Client-Identifier"
_PRODUCT = "X-Plex-Product"
_PINS = "/api/v2/pins"
_RESOURCES = "/api/v2/resources"


class Account:
    """The rules of plex.tv, without a socket."""

    def __init__(self, clock: Clock, seed: int) -> None:
        """Have nothing yet."""
        self.token = ACCOUNT_TOKEN
        self.resources: list[Resource] = []
        self._clock = clock
        self._pins = PinBook(seed)

    @property
    def pins(self) -> list[Pin]:
        """Return all PINs so far, the newest last."""
        return list(self._pins)

    def link(self, pin: int | str | None = None) -> None:
        """Sign in as the user does at app.plex.tv: by id, by code, or the newest PIN."""
        key = self.pins[-1].id if pin is None else pin
        found = self._pins.find(key, self._clock.now())
        if found is None:
            raise LookupError(f"no PIN that is valid: {key}")
        found.token = self.token

    def expire(self) -> None:
        """Let all PINs be too old."""
        for pin in self._pins:
            pin.withdrawn = True

    def add_server(
        self,
        plex: SimulatedPlex,
        *,
        owned: bool = True,
        connections: Iterable[Connection] | None = None,
    ) -> Resource:
        """Let the account have a server, or be a guest there."""
        ways = typical_connections(plex) if connections is None else connections
        resource = server_resource(plex, owned=owned, connections=ways)
        self.resources.append(resource)
        return resource

    def add_player(self, name: str = "Sofa") -> Resource:
        """Let the account have a player, which is no server."""
        resource = Resource(
            name=name,
            client_identifier=f"player-{len(self.resources)}",
            provides="client,player",
            product="Plex for Smart TVs",
            version=lambda: "5.6.7",
            access_token=lambda: f"player-token-{name}",
        )
        self.resources.append(resource)
        return resource

    def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer one request; strict: what is not here is not found."""
        path = request.rel_url.raw_path
        pin_id = path.removeprefix(_PINS + "/")
        if path == _PINS:
            method, handler = "POST", self._new_pin
        elif path == _RESOURCES:
            method, handler = "GET", self._list_resources
        elif pin_id != path and pin_id.isdecimal():
            method, handler = "GET", self._read_pin
        else:
            return refused(request, 404)
        if request.method != method:
            return refused(request, 405)
        if _CLIENT not in request.headers:
            return refused(request, 400, missing=_CLIENT)
        return handler(request)

    def _new_pin(self, request: web.BaseRequest) -> web.Response:
        if _PRODUCT not in request.headers:
            return refused(request, 400, missing=_PRODUCT)
        now = self._clock.now()
        pin = self._pins.new(
            request.headers[_CLIENT],
            request.headers[_PRODUCT],
            strong=request.query.get("strong", "").lower() in ("true", "1"),
            now=now,
        )
        return said(request, "pin", pin.as_dict(now), status=201)

    def _read_pin(self, request: web.BaseRequest) -> web.Response:
        now = self._clock.now()
        pin = self._pins.find(int(request.rel_url.name), now)
        if pin is None or pin.client_identifier != request.headers[_CLIENT]:
            return refused(request, 404)
        return said(request, "pin", pin.as_dict(now))

    def _list_resources(self, request: web.BaseRequest) -> web.Response:
        # As a part of the address it would end up in logs; nobody should need that.
        if request.headers.get("X-Plex-Token") != self.token:
            return refused(request, 401)
        wanted = {
            "https": request.query.get("includeHttps") == "1",
            "ipv6": request.query.get("includeIPv6") == "1",
        }
        listing = [resource.as_dict(**wanted) for resource in self.resources]
        return said(request, "resources", listing)
