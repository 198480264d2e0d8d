"""What a refused token means, and when it is tried again until a person replaces it."""

from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from .api import (
    PlexAuthenticationError,
    PlexClient,
    PlexError,
    PlexForbiddenError,
    PlexNotOwnerError,
    PlexWrongServerError,
    Server,
)
from .const import DOMAIN

# A server that has just started refuses good tokens for up to a few minutes. Seconds
# after the first refusal at which the token is tried again.
_RETRIES: Final = (10.0, 30.0, 90.0, 240.0)
# Afterwards; often enough to recover by itself, too rare for a ban by the server.
_LATER: Final = timedelta(hours=1).total_seconds()
# A token that has been refused for so long is most likely revoked.
_REAUTH_AFTER: Final = timedelta(minutes=5).total_seconds()
# Home Assistant's timers may come up to a second early.
_EARLY: Final = 2.0


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
