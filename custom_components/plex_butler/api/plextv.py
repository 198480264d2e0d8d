"""A client for plex.tv: signing in without typing, and which servers one owns."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
import re
from typing import Final
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from . import models
from .address import as_ip, parse_address
from .transport import PlexResponseError, request, token_header

PLEX_TV_URL: Final = "https://plex.tv"
SIGN_IN_URL: Final = "https://app.plex.tv/auth"
PRODUCT: Final = "Plex Butler"

# All URLs are tried at once; a server has a few for each of its networks.
_MOST_URLS: Final = 16
# What identities, codes and tokens are made of; anything else would break a header.
_PLAIN: Final = re.compile(r"[\w.-]+", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """The code of a sign-in, valid for `expires_in` seconds."""

    id: int
    code: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnedServer:
    """A server of the account's own, with its own token and URLs, the best first."""

    name: str
    machine_identifier: str
    token: str = field(repr=False)
    urls: tuple[str, ...]


class PlexTvClient:
    """Speaks to plex.tv for one client of Plex's; its methods raise a `PlexError`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        client_identifier: str,
        device: str = "",
    ) -> None:
        self._session = session
        self._client_identifier = client_identifier
        self._headers = {
            "Accept": "application/json",
            "X-Plex-Client-Identifier": client_identifier,
            "X-Plex-Product": PRODUCT,
        }
        # A name that people choose may have what a header cannot hold.
        if device := "".join(filter(str.isprintable, device)):
            self._headers["X-Plex-Device-Name"] = device

    async def create_pin(self) -> Pin:
        """Begin a sign-in: `POST /api/v2/pins?strong=true`."""
        return parse_pin(await self._request("POST", "/api/v2/pins", strong="true"))

    def sign_in_url(self, pin: Pin) -> str:
        """Return the page on which the user answers."""
        query = {
            "clientID": self._client_identifier,
            "code": pin.code,
            "context[device][product]": PRODUCT,
        }
        return f"{SIGN_IN_URL}#?{urlencode(query)}"

    async def get_token(self, pin: Pin) -> str | None:
        """Return the account's token, or None as yet: `GET /api/v2/pins/{id}`.

        Raises PlexResponseError with status 404 once the PIN has expired.
        """
        match await self._request("GET", f"/api/v2/pins/{pin.id}"):
            case {"authToken": str(token)} if token:
                return token
        return None

    async def get_owned_servers(self, token: str) -> tuple[OwnedServer, ...]:
        """Return the account's own servers: `GET /api/v2/resources`."""
        answer = await self._request(
            "GET", "/api/v2/resources", token, includeHttps="1", includeIPv6="1"
        )
        return tuple(parse_owned_servers(answer))

    async def _request(
        self, method: str, path: str, token: str = "", **query: str
    ) -> object:
        url = URL(PLEX_TV_URL + path).with_query(query)
        headers = self._headers | token_header(token)
        _, body = await request(self._session, method, url, headers)
        return models.decode(body)


def parse_pin(answer: object) -> Pin:
    """Return the PIN that plex.tv made."""
    for item in models.iter_objects(answer):
        # The largest whole number that JSON carries safely.
        pin_id = models.get_number(item, "id", 2**53)
        code = models.get_text(item, "code")
        if pin_id and _PLAIN.fullmatch(code):
            # Plex.tv gives 15 minutes; more than an hour is not believed.
            expires_in = models.get_number(item, "expiresIn", 3600) or 900
            return Pin(id=pin_id, code=code, expires_in=expires_in)
    raise PlexResponseError("plex.tv gave no PIN")


def parse_owned_servers(answer: object) -> Iterator[OwnedServer]:
    """Yield the servers of a list of resources; what cannot be used is skipped."""
    for resource in models.iter_objects(answer):
        machine = models.get_text(resource, "clientIdentifier")
        token = models.get_text(resource, "accessToken", models.MAX_LONG_TEXT)
        if (
            "server" in models.get_text(resource, "provides").split(",")
            and models.get_flag(resource, "owned")
            and _PLAIN.fullmatch(machine)
            and _PLAIN.fullmatch(token)
        ):
            yield OwnedServer(
                name=models.get_text(resource, "name"),
                machine_identifier=machine,
                token=token,
                urls=_urls(resource.get("connections")),
            )


def _urls(connections: object) -> tuple[str, ...]:
    """Return the addresses: local HTTPS, local HTTP, remote HTTPS."""
    ranks: dict[str, int] = {}
    for connection in models.iter_objects(connections):
        if models.get_flag(connection, "relay"):
            continue
        is_local = models.get_flag(connection, "local")
        for way in _ways(connection, is_local=is_local):
            with suppress(ValueError):
                url = parse_address(way)
                ip = as_ip(URL(url).host or "")
                if url.startswith("https:"):
                    ranks.setdefault(url, 0 if is_local else 2)
                elif is_local and not (ip and ip.is_global):
                    ranks.setdefault(url, 1)
    return tuple(sorted(ranks, key=ranks.__getitem__)[:_MOST_URLS])


def _ways(connection: models.Json, *, is_local: bool) -> Iterator[str]:
    if "://" in (uri := models.get_text(connection, "uri")):
        yield uri
    # A certificate's name may not resolve while its address can be reached.
    if is_local and (ip := as_ip(models.get_text(connection, "address"))):
        host = f"[{ip}]" if ip.version == 6 else ip
        yield f"http://{host}:{models.get_number(connection, 'port', 65535)}"
