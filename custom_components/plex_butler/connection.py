"""Creates clients, makes names and errors readable, and tracks refused tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic
from typing import Any, Final

from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import instance_id
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util import slugify
from homeassistant.util.hass_dict import HassKey

from . import api
from .api.models import MAX_TEXT, clean_text
from .const import DOMAIN, EARLY, MAX_NAME

# A server that has just started refuses good tokens for up to a few minutes. Seconds
# after the first refusal at which the token is tried again.
_RETRY_DELAYS: Final = (10.0, 30.0, 90.0, 240.0)
# Afterwards; often enough to recover by itself, too rare for a ban by the server.
_RETRY_INTERVAL: Final = 3600.0
# A token that has been refused for so many seconds is most likely revoked.
_REAUTH_AFTER: Final = 300.0
# Without these, Markdown has no links and no images.
_NO_MARKUP: Final = str.maketrans("[]<>", "()\u2039\u203a")


async def async_create_client(
    hass: HomeAssistant, data: Mapping[str, Any], machine_identifier: str | None = None
) -> api.PlexClient:
    """Return a client; with an identifier, its token is for that server alone."""
    return api.PlexClient(
        async_get_clientsession(hass, verify_ssl=data.get(CONF_VERIFY_SSL, True)),
        data[CONF_URL],
        data.get(CONF_TOKEN),
        client_identifier=await _async_client_identifier(hass),
        machine_identifier=machine_identifier,
    )


async def async_create_plex_tv_client(hass: HomeAssistant) -> api.PlexTvClient:
    """Return a client for signing in."""
    return api.PlexTvClient(
        async_get_clientsession(hass),
        client_identifier=await _async_client_identifier(hass),
        device=hass.config.location_name,
    )


async def _async_client_identifier(hass: HomeAssistant) -> str:
    """Return the identifier of this Home Assistant for Plex, derived from its own."""
    instance = await instance_id.async_get(hass)
    return sha256(f"{DOMAIN}-{instance}".encode()).hexdigest()[:32]


async def async_get_server(client: api.PlexClient, machine: str) -> api.Server:
    """Return the server; raise the PlexError that says what is wrong."""
    try:
        server = await client.get_server()
    except api.PlexAuthenticationError:
        # Something in front of the server may refuse every request.
        await client.verify()
        raise
    if server.machine_identifier != machine:
        raise api.PlexWrongServerError("Another server answers at this address")
    return server


async def async_classify_refusal(client: api.PlexClient, machine: str) -> api.PlexError:
    """Return what a 401 or 403 means: only the owner may see /butler."""
    await async_get_server(client, machine)
    try:
        await client.get_butler_tasks()
    except (api.PlexAuthenticationError, api.PlexForbiddenError) as err:
        return api.PlexNotOwnerError(str(err))
    return api.PlexForbiddenError("Access is refused, as a firewall or a tunnel does")


def server_name(server: api.Server | api.OwnedServer) -> str:
    """Return what to call a server that may have no name."""
    return server.name or "Plex Media Server"


def plain_text(name: str) -> str:
    """Return a name that means nothing to Markdown."""
    return clean_text(name)[:MAX_TEXT].translate(_NO_MARKUP)


def short_name(name: str) -> str:
    """Return a name that takes MAX_NAME characters of an entity id at most.

    Home Assistant cuts longer ids, and a cut between two words leaves an invalid one.
    """
    name = plain_text(name)
    while len(slugify(name)) > MAX_NAME:
        name = name[:-8].strip()
    return name


def translation(err: api.PlexError) -> dict[str, Any]:
    """Return the arguments that give a HomeAssistantError the text of an error."""
    return {
        "translation_domain": DOMAIN,
        "translation_key": err.key,
        "translation_placeholders": {"error": str(err)},
    }


class PlexButlerError(HomeAssistantError):
    """Something failed; the key is of the text that says what."""

    def __init__(self, key: str, **placeholders: str) -> None:
        super().__init__(
            translation_domain=DOMAIN,
            translation_key=key,
            translation_placeholders=placeholders or None,
        )


class InvalidCallError(PlexButlerError, ServiceValidationError):
    """What was asked for cannot be done, whatever the server says."""


@dataclass(slots=True)
class Refusal:
    """A token that is refused, on the monotonic clock."""

    since: float
    # Until then the token is not sent again.
    next_try: float

    def next_poll_delay(self) -> float:
        """Return the seconds until the next poll, which may send the token or not."""
        now = monotonic()
        if self.next_try - EARLY <= now:
            elapsed = now - self.since + EARLY
            retry = next((it for it in _RETRY_DELAYS if it > elapsed), None)
            self.next_try = self.since + retry if retry else now + _RETRY_INTERVAL
        due = self.next_try
        if not self.is_lasting:
            due = min(due, self.since + _REAUTH_AFTER)
        return max(due - now, 1.0)

    @property
    def is_lasting(self) -> bool:
        """Return True if it takes a new token."""
        return monotonic() >= self.since + _REAUTH_AFTER - EARLY


# By entry. A set-up that fails begins anew with other objects, so this outlives them.
_REFUSALS: HassKey[dict[str, Refusal]] = HassKey(f"{DOMAIN}_refusals")


def refusals(hass: HomeAssistant) -> dict[str, Refusal]:
    """Return the refusals of all entries' tokens."""
    return hass.data.setdefault(_REFUSALS, {})
