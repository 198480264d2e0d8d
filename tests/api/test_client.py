"""The client against a simulated server, over sockets."""

import pytest

from custom_components.plex_butler import api
from tests.simulator import SimulatedPlex

from .conftest import listen


async def test_every_request_says_who_asks_and_wants_english(
    client: api.PlexClient, plex: SimulatedPlex
) -> None:
    await client.get_identity()
    await listen(client, plex)
    await client.start_task("BackupDatabase")

    for request in plex.requests:
        assert request.headers["X-Plex-Client-Identifier"] == "test"
        assert request.headers["Accept-Language"] == "en"


async def test_a_name_that_is_no_part_of_any_url_is_unknown(
    client: api.PlexClient,
) -> None:
    unknown = "Polish\ud800"
    with pytest.raises(api.PlexResponseError) as err:
        await client.start_task(unknown)
    assert err.value.status == 404
    assert await client.stop_task(unknown) is api.StopResult.NOT_RUNNING
    with pytest.raises(api.PlexPreferenceError):
        await client.set_preferences({unknown: "\udfff"})


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
