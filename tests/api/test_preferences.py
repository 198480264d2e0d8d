"""Settings are written for sure, over sockets."""

import pytest

from custom_components.plex_butler import api
from tests.simulator import PROFILES, SimulatedPlex

from .conftest import MakeClient


async def write_hour(client: api.PlexClient, hour: int) -> None:
    found = await client.set_preferences({"ButlerStartHour": hour})
    assert {it.id: it.value for it in found}["ButlerStartHour"] == hour


async def read_hour(client: api.PlexClient) -> api.PreferenceValue:
    found = await client.get_preferences()
    return {it.id: it.value for it in found}["ButlerStartHour"]


@pytest.mark.parametrize("profile", [PROFILES["legacy"].with_traits(loose_types=True)])
async def test_settings_of_an_old_server_are_the_same(client: api.PlexClient) -> None:
    found = {it.id: it for it in await client.get_preferences()}

    assert found["ButlerStartHour"].value == 2
    assert found["ButlerStartHour"].options[:2] == (("0", "Midnight"), ("1", "1 am"))
    assert found["ButlerTaskBackupDatabase"].value is True


async def test_settings_are_written_at_once_and_read_again(
    client: api.PlexClient, plex: SimulatedPlex
) -> None:
    plex.requests.clear()
    values: dict[str, api.PreferenceValue] = {
        "ButlerStartHour": 23,
        "ButlerTaskBackupDatabase": False,
        "GenerateBIFBehavior": "asap",
    }
    name = "Loft & attic=1+1"
    now = await client.set_preferences({**values, "FriendlyName": name})

    assert {it.id: it.value for it in now if it.id in values} == values
    assert plex.name == name
    assert [it.method for it in plex.requests] == ["PUT", "GET"]


@pytest.mark.parametrize("profile", ["current", "legacy"])
async def test_what_the_server_does_not_know_is_refused_and_nothing_changes(
    client: api.PlexClient,
) -> None:
    for values in ({"ButlerStartHour": 1, "Nope": True}, {"ButlerStartHour": 24}):
        with pytest.raises(api.PlexPreferenceError):
            await client.set_preferences(values)
    assert await read_hour(client) == 2

    await write_hour(client, 1)


async def test_who_is_not_the_owner_is_told_so(
    make_client: MakeClient, plex: SimulatedPlex
) -> None:
    with pytest.raises(api.PlexNotOwnerError):
        await make_client(token=plex.shared_token).set_preferences({"Nope": 1})


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("503", api.PlexMaintenanceError),
        ("404", api.PlexResponseError),
        ("refuse", api.PlexConnectionError),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "GET"])
async def test_a_write_that_fails_is_an_error_until_it_works(
    client: api.PlexClient,
    plex: SimulatedPlex,
    fault: str,
    error: type[Exception],
    method: str,
) -> None:
    plex.fault(fault, path="/:/prefs", method=method, count=2)
    with pytest.raises(error):
        await client.set_preferences({"ButlerStartHour": 1})
    plex.clear_faults()

    await write_hour(client, 1)
