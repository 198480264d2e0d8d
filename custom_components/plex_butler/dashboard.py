"""The dashboard that Home Assistant offers under its community dashboards."""

from pathlib import Path
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_integration

from .const import DOMAIN

URL: Final = f"/{DOMAIN}/dashboard.js"


async def async_register_dashboard(hass: HomeAssistant) -> None:
    """Have the page load the dashboard, unless this Home Assistant has no page."""
    if not {"frontend", "http"} <= hass.config.components:
        return
    from homeassistant.components import (  # noqa: PLC0415 may lack their packages
        frontend,
        http,
    )

    integration = await async_get_integration(hass, DOMAIN)
    file = str(Path(__file__).parent / "www" / "dashboard.js")
    await hass.http.async_register_static_paths([http.StaticPathConfig(URL, file)])
    # Browsers keep the file; another version has another URL.
    frontend.add_extra_js_url(hass, f"{URL}?v={integration.version}")
