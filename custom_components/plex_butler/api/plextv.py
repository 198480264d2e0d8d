"""A client for plex.tv: signing in without typing, and which servers one owns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from .decode import Json, loads
from .exceptions import PlexResponseError
from .transport import TIMEOUT, network_errors, read, status_error

PLEX_TV_URL: Final = "https://plex.tv"
SIGN_IN_URL: Final = "https://app.plex.tv/auth"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """A question to the user, open for `expires_in` seconds."""

    id: int
    code: str
    expires_in: int


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnedServer:
    """A server of the account's own, with a token that is good for it alone.

    `urls` are the ways to it, the best first; none leads through Plex's relay.
    """

    name: str
    machine_identifier: str
    token: str
    urls: tuple[str, ...]


class PlexTvClient:
    """Speaks to plex.tv for one client of Plex's.

    Every method raises a `PlexError`: connection (time-out, TLS), authentication (401)
    or response.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        client_identifier: str,
        product: str = "Plex Butler",
        device: str = "",
    ) -> None:
        """Take the session, which stays the caller's, and what the user will read."""
        self._session = session
        self._client_identifier = client_identifier
        self._product = product
        self._device = device
        self._headers = {
            "Accept": "application/json",
            "X-Plex-Client-Identifier": client_identifier,
            "X-Plex-Product": product,
        }
        if device:
            self._headers["X-Plex-Device-Name"] = device

    async def create_pin(self) -> Pin:
        """Begin a sign-in.

        Source: `POST /api/v2/pins?strong=true`.
        """
        answer = await self._request("POST", "/api/v2/pins", {"strong": "true"})
        match answer:
            case {"id": int(pin_id), "code": str(code), **rest}:
                expires_in = rest.get("expiresIn")
                return Pin(
                    id=pin_id,
                    code=code,
                    expires_in=expires_in if isinstance(expires_in, int) else 900,
                )
        raise PlexResponseError("plex.tv gave no PIN")

    def sign_in_url(self, pin: Pin) -> str:
        """Return the page on which the user answers."""
        query = {
            "clientID": self._client_identifier,
            "code": pin.code,
            "context[device][product]": self._product,
        }
        return f"{SIGN_IN_URL}#?{urlencode(query)}"

    async def get_token(self, pin: Pin) -> str | None:
        """Return the account's token, or None while the user has not answered.

        Raises PlexResponseError with status 404 once the PIN has expired.
        Source: `GET /api/v2/pins/{id}`.
        """
        match await self._request("GET", f"/api/v2/pins/{pin.id}"):
            case {"authToken": str(token)} if token:
                return token
        return None

    async def get_owned_servers(self, token: str) -> tuple[OwnedServer, ...]:
        """Return the account's own servers.

        Source: `GET /api/v2/resources?includeHttps=1&includeIPv6=1`.
        """
        query = {"includeHttps": "1", "includeIPv6": "1"}
        answer = await self._request("GET", "/api/v2/resources", query, token=token)
        return tuple(_owned_servers(answer))

    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        token: str | None = None,
    ) -> object:
        with network_errors():
            async with self._session.request(
                method,
                URL(PLEX_TV_URL + path).with_query(query),
                headers=self._headers | ({"X-Plex-Token": token} if token else {}),
                timeout=TIMEOUT,
                allow_redirects=False,
            ) as response:
                if not 200 <= response.status < 300:
                    raise status_error(response.status)
                body = await read(response)
        return loads(body)


def _owned_servers(answer: object) -> Iterator[OwnedServer]:
    for resource in answer if isinstance(answer, list) else ():
        match resource:
            case {
                "provides": str(provides),
                "owned": True | 1,
                "name": str(name),
                "clientIdentifier": str(machine),
                "accessToken": str(token),
                "connections": list(connections),
            } if "server" in provides.split(","):
                yield OwnedServer(
                    name=name,
                    machine_identifier=machine,
                    token=token,
                    urls=_urls(connections),
                )


def _urls(connections: list[object]) -> tuple[str, ...]:
    """Return the addresses, local before remote, HTTPS before HTTP, never the relay."""
    usable: list[Json] = [
        connection
        for connection in connections
        if isinstance(connection, Mapping)
        and isinstance(connection.get("uri"), str)
        and not connection.get("relay")
    ]
    usable.sort(key=lambda it: (not it.get("local"), it.get("protocol") != "https"))
    urls = [str(connection["uri"]) for connection in usable]
    # In one's own network, a certificate's name may not resolve while its address does.
    plain = [
        f"http://{_host(connection)}:{connection['port']}"
        for connection in usable
        if connection.get("local")
        and connection.get("address")
        and connection.get("port")
    ]
    local = sum(bool(connection.get("local")) for connection in usable)
    return tuple(dict.fromkeys([*urls[:local], *plain, *urls[local:]]))


def _host(connection: Json) -> str:
    address = str(connection["address"])
    return f"[{address}]" if ":" in address else address
