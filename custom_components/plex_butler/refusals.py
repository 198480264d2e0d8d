"""What a 401 means: it takes more than one to call a token bad."""

from time import monotonic

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.update_coordinator import UpdateFailed
from homeassistant.util.hass_dict import HassKey

from .api import PlexAuthenticationError, PlexClient, PlexError, PlexNotOwnerError
from .const import DOMAIN, UNAUTHORIZED_GRACE
from .errors import translation

# When an entry's token was first refused: a set-up that fails begins anew with other
# objects, and the second refusal must still be known as the second.
_SINCE: HassKey[dict[str, float]] = HassKey(f"{DOMAIN}_refused_since")


class Refusals:
    """Tells a bad token from a server that is starting or has another owner."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, client: PlexClient
    ) -> None:
        """Take the client whose token may be refused."""
        self._since = hass.data.setdefault(_SINCE, {})
        self._entry_id = entry.entry_id
        self._client = client

    def forget(self) -> None:
        """Take note that the token is good."""
        self._since.pop(self._entry_id, None)

    async def async_judge(self, err: PlexAuthenticationError) -> Exception:
        """Return what to make of a refusal.

        Older servers answer 401 to users who are not the owner, too, and any server may
        while it starts.
        """
        try:
            await self._client.get_server()
        except PlexAuthenticationError:
            return self._refused_everywhere(err)
        except PlexError as other:
            return UpdateFailed(**translation(other))
        self.forget()
        return UpdateFailed(**translation(PlexNotOwnerError(str(err))))

    def _refused_everywhere(self, err: PlexAuthenticationError) -> Exception:
        now = monotonic()
        grace = UNAUTHORIZED_GRACE.total_seconds()
        if now - self._since.setdefault(self._entry_id, now) >= grace:
            return ConfigEntryAuthFailed(**translation(err))
        return UpdateFailed(**translation(err), retry_after=grace + 1)
