"""The diagnostics of a server, as a person downloads them."""

import logging

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

# Its lines have the local time, which aiohttp cannot tell while the clock stands still.
logging.getLogger("aiohttp.access").setLevel(logging.WARNING)


async def download(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: MockConfigEntry
) -> str:
    """Return the file."""
    assert await async_setup_component(hass, "diagnostics", {})
    await hass.async_block_till_done()
    # The client's own token has expired if a test has moved the clock.
    refresh_token = next(
        token
        for user in await hass.auth.async_get_users()
        for token in user.refresh_tokens.values()
        if user.is_admin
    )
    client = await hass_client(hass.auth.async_create_access_token(refresh_token))
    response = await client.get(f"/api/diagnostics/config_entry/{entry.entry_id}")
    assert response.status == 200
    text: str = await response.text()
    return text
