"""The page loads the dashboard's module, and the module knows our tasks."""

from pathlib import Path
import re
from typing import Any

from homeassistant.components.onboarding.const import STEPS
from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_integration
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.plex_butler.const import DOMAIN
from custom_components.plex_butler.tasks import KNOWN_TASKS, task_key

MODULE = Path("custom_components/plex_butler/www/dashboard.js").read_text()


async def test_the_page_loads_the_dashboard_in_its_version(
    hass: HomeAssistant,
    hass_client_no_auth: ClientSessionGenerator,
    hass_storage: dict[str, Any],
    tmp_path: Path,
) -> None:
    # The frontend with a page of its own: the real one is a package of many megabytes.
    index = tmp_path / "hass_frontend" / "index.html"
    index.parent.mkdir()
    index.write_text("{{ extra_modules | join }}")
    config = {"frontend": {"development_repo": str(tmp_path)}}
    hass_storage["onboarding"] = {"version": 4, "data": {"done": STEPS}}
    assert await async_setup_component(hass, "frontend", config)
    assert await async_setup_component(hass, DOMAIN, {})
    client = await hass_client_no_auth()
    version = (await async_get_integration(hass, DOMAIN)).version
    url = await (await client.get("/")).text()
    assert url == f"/plex_butler/dashboard.js?v={version}"

    # Modules are loaded without a login.
    response = await client.get(url)
    assert response.status == 200
    assert response.content_type == "text/javascript"
    assert await response.text() == MODULE


def test_the_dashboard_has_a_place_for_each_known_task() -> None:
    groups = MODULE.partition("const GROUPS = {")[2].partition("};")[0]
    listed = re.findall(r'"(\w+)"', groups)
    assert len(listed) == len(set(listed))
    updates = {"automatic_updates", "check_for_updates"}
    assert set(listed) == {task_key(task) for task in KNOWN_TASKS} - updates


def test_the_dashboard_is_small() -> None:
    """Every page loads it, for every user."""
    assert len(MODULE.encode()) <= 10_000
    assert len(MODULE.splitlines()) <= 250
