"""The download tells what a bug report needs, and not whose server it is."""

import json

from homeassistant.core import HomeAssistant
from homeassistant.helpers.json import ExtendedJSONEncoder
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.diagnostics import async_get_config_entry_diagnostics
from tests.simulator import SimulatedPlex


async def test_nothing_in_it_tells_whose_server_it_is(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    diagnostics = await async_get_config_entry_diagnostics(hass, loaded)
    text = json.dumps(diagnostics, cls=ExtendedJSONEncoder)

    for secret in (plex.token, plex.url, plex.machine_identifier, plex.name):
        assert secret not in text


async def test_tasks_and_version_are_in_it(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    diagnostics = await async_get_config_entry_diagnostics(hass, loaded)

    assert diagnostics["server"] == {"version": plex.version}
    assert {task["name"]: task["state"] for task in diagnostics["tasks"]} == {
        name: str(state) for name, state in plex.truth().items()
    }
    assert diagnostics["last_update_success"]


async def test_the_schedule_is_in_it_and_no_other_setting(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    schedule = (await async_get_config_entry_diagnostics(hass, loaded))["schedule"]

    assert (schedule["ButlerStartHour"], schedule["ButlerEndHour"]) == (2, 5)
    assert schedule["ButlerTaskBackupDatabase"] is True
    assert "ButlerDatabaseBackupPath" not in schedule
