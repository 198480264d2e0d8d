"""What can be set of a server counts at once."""

from homeassistant.const import CONF_TIME_ZONE
from homeassistant.data_entry_flow import InvalidData
import pytest

from custom_components.plex_butler.const import CONF_ASSUMED_RUN_LIMIT
from tests.conftest import OPTIMIZE_SWITCH, Home
from tests.flows import is_created, suggested

WINDOW = "sensor.attic_butler_next_maintenance_window"
MINUTE = 60


async def set_options(home: Home, **options: int | str) -> None:
    """Set them, and see that the form shows what is set, and nothing else is."""
    options.setdefault(CONF_ASSUMED_RUN_LIMIT, 30)
    flows, entry_id = home.hass.config_entries.options, home.entry.entry_id
    flow = await flows.async_init(entry_id)
    result = await flows.async_configure(flow["flow_id"], options)
    assert is_created(result)
    await home.settle()
    assert home.entry.options == options
    flow = await flows.async_init(entry_id)
    shown = {key: value for key, value in suggested(flow).items() if value is not None}
    assert shown == options


@pytest.mark.parametrize("profile", ["silent"])
@pytest.mark.parametrize("minutes", [10, 45])
async def test_an_assumed_run_is_believed_for_as_long_as_is_set(
    home: Home, minutes: int
) -> None:
    await set_options(home, **{CONF_ASSUMED_RUN_LIMIT: minutes})
    await home.turn_on(OPTIMIZE_SWITCH)
    await home.advance(minutes * MINUTE - 1)
    assert home.state(OPTIMIZE_SWITCH) == "on"

    await home.advance(2)
    assert home.state(OPTIMIZE_SWITCH) == "off"


@pytest.mark.parametrize(
    "wrong",
    [
        {CONF_ASSUMED_RUN_LIMIT: 4},
        {CONF_ASSUMED_RUN_LIMIT: 24 * 60 + 1},
        {CONF_ASSUMED_RUN_LIMIT: 30, CONF_TIME_ZONE: "Mars/Base"},
    ],
)
async def test_what_makes_no_sense_is_refused(
    home: Home, wrong: dict[str, int | str]
) -> None:
    flow = await home.hass.config_entries.options.async_init(home.entry.entry_id)
    with pytest.raises(InvalidData):
        await home.hass.config_entries.options.async_configure(flow["flow_id"], wrong)
    assert home.entry.options == {}

    await set_options(home, **{CONF_ASSUMED_RUN_LIMIT: 5})


@pytest.mark.usefixtures("all_entities_enabled")
async def test_the_servers_time_zone_can_be_chosen_and_left_out_again(
    home: Home,
) -> None:
    # Two o'clock there, and at Home Assistant's
    for options, at in (
        ({CONF_TIME_ZONE: "Asia/Kathmandu"}, "T20:15:00+00:00"),
        ({}, "T10:00:00+00:00"),
    ):
        await set_options(home, **options)
        assert (home.state(WINDOW) or "").endswith(at)
