"""Clients for servers, errors as people read them, and tokens that are refused."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from time import monotonic
from typing import Any, Final, TypedDict

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import instance_id
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util.hass_dict import HassKey

from .api import (
    PlexAddressError,
    PlexAuthenticationError,
    PlexCertificateError,
    PlexCertificateNameError,
    PlexClient,
    PlexConnectionError,
    PlexError,
    PlexForbiddenError,
    PlexHungUpError,
    PlexMaintenanceError,
    PlexNotOwnerError,
    PlexRefusedError,
    PlexResolveError,
    PlexTimeoutError,
    PlexTlsError,
    PlexTvClient,
    PlexWrongServerError,
    Server,
)
from .const import DOMAIN

# The first that fits counts, so the special ones stand before the general ones.
_KEYS: Final[tuple[tuple[type[PlexError], str], ...]] = (
    (PlexAddressError, "invalid_url"),
    (PlexTimeoutError, "timeout"),
    (PlexResolveError, "cannot_resolve"),
    (PlexRefusedError, "refused"),
    (PlexHungUpError, "hung_up"),
    (PlexCertificateNameError, "certificate_name"),
    (PlexCertificateError, "certificate_untrusted"),
    (PlexTlsError, "tls"),
    (PlexConnectionError, "cannot_connect"),
    (PlexAuthenticationError, "invalid_auth"),
    (PlexNotOwnerError, "not_owner"),
    (PlexForbiddenError, "forbidden"),
    (PlexMaintenanceError, "maintenance"),
    (PlexWrongServerError, "wrong_server"),
    (PlexError, "invalid_response"),
)
# A server that has just started refuses good tokens for up to a few minutes. Seconds
# after the first refusal at which the token is tried again.
_RETRIES: Final = (10.0, 30.0, 90.0, 240.0)
# Afterwards; often enough to recover by itself, too rare for a ban by the server.
_LATER: Final = timedelta(hours=1).total_seconds()
# A token that has been refused for so long is most likely revoked.
_REAUTH_AFTER: Final = timedelta(minutes=5).total_seconds()
# Home Assistant's timers may come up to a second early.
_EARLY: Final = 2.0


async def async_create_client(
    hass: HomeAssistant,
    data: Mapping[str, Any],
    *,
    machine_identifier: str | None = None,
) -> PlexClient:
    """Return a client for a server's URL, token (if any) and TLS setting.

    With a machine identifier, the token is sent to no other server.
    """
    return PlexClient(
        async_get_clientsession(hass, verify_ssl=data.get(CONF_VERIFY_SSL, True)),
        data[CONF_URL],
        data.get(CONF_TOKEN),
        client_identifier=await _async_client_identifier(hass),
        machine_identifier=machine_identifier,
    )


async def async_create_plex_tv_client(hass: HomeAssistant) -> PlexTvClient:
    """Return a client for signing in."""
    return PlexTvClient(
        async_get_clientsession(hass),
        client_identifier=await _async_client_identifier(hass),
        device=hass.config.location_name,
    )


async def _async_client_identifier(hass: HomeAssistant) -> str:
    """Return the identifier of this Home Assistant for Plex, derived from its own."""
    instance = await instance_id.async_get(hass)
    return sha256(f"{DOMAIN}-{instance}".encode()).hexdigest()[:32]


class Translation(TypedDict):
    """How Home Assistant finds the text of an error."""

    translation_domain: str
    translation_key: str
    translation_placeholders: dict[str, str]


def error_key(err: PlexError) -> str:
    """Return the key that an error has in dialogs and in exceptions."""
    return next(key for kind, key in _KEYS if isinstance(err, kind))


def translation(err: PlexError) -> Translation:
    """Return the translated text that says what went wrong."""
    return Translation(
        translation_domain=DOMAIN,
        translation_key=error_key(err),
        translation_placeholders={"error": str(err)},
    )


@contextmanager
def translated_errors() -> Iterator[None]:
    """Let the client's errors leave an action in the user's language."""
    try:
        yield
    except PlexError as err:
        raise HomeAssistantError(**translation(err)) from err


@dataclass(slots=True)
class _Refusal:
    since: float
    next_try: float


# A set-up that fails begins anew with other objects, so this outlives them.
_REFUSALS: HassKey[dict[str, _Refusal]] = HassKey(f"{DOMAIN}_refusals")


class Refusals:
    """When one entry's token was refused, and when it may be sent again."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        self._hass = hass
        self._entry = entry
        self._refusals = hass.data.setdefault(_REFUSALS, {})

    @property
    def hold_token(self) -> bool:
        """Return True if the token was refused and is not to be sent again yet."""
        refusal = self._refusals.get(self._entry.entry_id)
        return refusal is not None and monotonic() < refusal.next_try - _EARLY

    @callback
    def async_refused(self) -> float:
        """Note that the token is refused, and return the seconds until the next look."""
        now = monotonic()
        refusal = self._refusals.setdefault(self._entry.entry_id, _Refusal(now, now))
        if refusal.next_try - _EARLY <= now:
            elapsed = now - refusal.since + _EARLY
            retry = next((it for it in _RETRIES if it > elapsed), None)
            refusal.next_try = refusal.since + retry if retry else now + _LATER
        reauth = refusal.since + _REAUTH_AFTER
        if now < reauth - _EARLY:
            return max(min(refusal.next_try, reauth) - now, 1.0)
        # ConfigEntryAuthFailed would end the polls, and with them the way back.
        self._entry.async_start_reauth(self._hass)
        return max(refusal.next_try - now, 1.0)

    @callback
    def async_accepted(self) -> None:
        """Note that the token is good."""
        self._refusals.pop(self._entry.entry_id, None)


@callback
def async_forget_refusal(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Let the next set-up send the token at once."""
    hass.data.get(_REFUSALS, {}).pop(entry.entry_id, None)


async def async_get_server(client: PlexClient, machine_identifier: str) -> Server:
    """Return the server; raise the PlexError that is wrong with it or with the token."""
    try:
        server = await client.get_server()
    except PlexAuthenticationError:
        # Something in front of the server may refuse every request.
        await client.verify()
        raise
    if server.machine_identifier != machine_identifier:
        raise PlexWrongServerError(found=server.machine_identifier)
    return server


async def async_classify_refusal(
    client: PlexClient, machine_identifier: str
) -> PlexError:
    """Return what a 401 or 403 means: only the owner may see /butler."""
    await async_get_server(client, machine_identifier)
    try:
        await client.get_butler_tasks()
    except (PlexAuthenticationError, PlexForbiddenError) as err:
        return PlexNotOwnerError(str(err))
    return PlexForbiddenError("Access is refused, as a firewall or a tunnel does")
