"""What a 401 means: it takes more than one to call a token bad."""

from time import monotonic
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.util.hass_dict import HassKey

from .api import PlexAuthenticationError, PlexClient, PlexError, PlexNotOwnerError
from .const import DOMAIN, UNAUTHORIZED_GRACE

# When an entry's token was first refused: a set-up that fails begins anew with other
# objects, and the second refusal must still be known as the second.
_SINCE: HassKey[dict[str, float]] = HassKey(f"{DOMAIN}_refused_since")
_GRACE: Final = UNAUTHORIZED_GRACE.total_seconds()


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

    @property
    def are_final(self) -> bool:
        """Tell whether the token has been refused for too long to be a hiccup."""
        since = self._since.get(self._entry_id)
        return since is not None and monotonic() - since >= _GRACE

    @property
    def retry_after(self) -> float | None:
        """Return when to ask again to know for sure, if it is not known yet."""
        return _GRACE + 1 if self._entry_id in self._since else None

    async def async_explain(self, err: PlexAuthenticationError) -> PlexError:
        """Return what is wrong when a 401 was the answer.

        Older servers answer it to users who are not the owner, too, and any server may
        while it starts.
        """
        try:
            await self._client.get_server()
        except PlexAuthenticationError:
            self._since.setdefault(self._entry_id, monotonic())
            return err
        except PlexError as other:
            return other
        self.forget()
        return PlexNotOwnerError(str(err))
