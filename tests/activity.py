"""What Activity shows: Home Assistant's own logbook, read as the frontend reads it."""

from datetime import datetime, timedelta
from typing import Any

from homeassistant.auth.models import User
from homeassistant.components.recorder import get_instance
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import mock_component


class Activity:
    """The logbook since a moment."""

    def __init__(self, hass: HomeAssistant, connect: Any, user: User) -> None:
        """Begin now; `connect` is the fixture `hass_ws_client`."""
        self._hass = hass
        self._connect = connect
        self._user = user
        self._since: datetime = dt_util.utcnow()

    def begin(self) -> None:
        """Leave out what was so far."""
        self._since = dt_util.utcnow()

    async def lines(self, **filters: list[str]) -> list[dict[str, Any]]:
        """Return the lines, oldest first, of all or of some entities or devices."""
        await get_instance(self._hass).async_block_till_done()
        # Neither a connection nor a token outlives the time that tests move
        (refresh_token,) = self._user.refresh_tokens.values()
        token = self._hass.auth.async_create_access_token(refresh_token)
        client = await self._connect(self._hass, token)
        end = dt_util.utcnow() + timedelta(seconds=1)
        hours = {"start_time": self._since.isoformat(), "end_time": end.isoformat()}
        question = {"type": "logbook/get_events", **hours, **filters}
        await client.send_json_auto_id(question)
        answer = await client.receive_json()
        await client.close()
        assert answer["success"], answer
        lines: list[dict[str, Any]] = answer["result"]
        # In a time that stands still, states come before what is said of them
        return sorted(lines, key=lambda line: (line["when"], "message" in line))

    async def told(self, **filters: list[str]) -> list[str]:
        """Return what people read, oldest first: a name and what became of it."""
        return [self._read(line) for line in await self.lines(**filters)]

    def _read(self, line: dict[str, Any]) -> str:
        if "message" in line:
            return f"{line['name']} {line['message']}"
        # The frontend knows the names of entities
        state = self._hass.states.get(line["entity_id"])
        name = state.name if state else line["entity_id"]
        return f"{name}: {line['state']}"


async def async_activity(
    hass: HomeAssistant, hass_ws_client: Any, user: User
) -> Activity:
    """Return the logbook, from now on."""
    # Its pages are not installed for tests, and the logbook works without them
    mock_component(hass, "frontend")
    assert await async_setup_component(hass, "logbook", {})
    await hass.async_block_till_done()
    return Activity(hass, hass_ws_client, user)
