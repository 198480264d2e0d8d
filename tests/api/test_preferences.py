"""Settings: read leniently, written for sure, over sockets."""

from typing import Any

import pytest

from custom_components.plex_butler.api import (
    PlexClient,
    PlexConnectionError,
    PlexMaintenanceError,
    PlexNotOwnerError,
    PlexPreferenceError,
    PlexResponseError,
    Preference,
    PreferenceValue,
    client as client_module,
)
from custom_components.plex_butler.api.models import parse_preferences
from tests.simulator import PROFILES, SimulatedPlex

from .conftest import MakeClient


@pytest.fixture(autouse=True)
def sleeps(monkeypatch: pytest.MonkeyPatch, plex: SimulatedPlex) -> list[float]:
    """Return how long was waited; it takes the server's time only."""
    sleeps: list[float] = []

    async def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        await plex.advance(seconds)

    monkeypatch.setattr(client_module, "sleep", sleep)
    return sleeps


def container(key: str, *items: object) -> dict[str, Any]:
    return {"MediaContainer": {"size": len(items), key: list(items)}}


def value_of(preferences: tuple[Preference, ...], name: str) -> PreferenceValue:
    return next(it.value for it in preferences if it.id == name)


def test_a_setting_is_read_with_all_that_is_said_of_it() -> None:
    listed = {
        "id": "ButlerStartHour",
        "label": "Start",
        "type": "int",
        "default": 2,
        "value": 4,
        "hidden": True,
        "enumValues": "0:0\ua78900|1:1:00|two",
    }

    assert parse_preferences(container("Setting", listed)) == (
        Preference(
            id="ButlerStartHour",
            label="Start",
            type="int",
            value=4,
            options=(("0", "0\ua78900"), ("1", "1:00"), ("two", "")),
        ),
    )


@pytest.mark.parametrize(
    ("kind", "sent", "value"),
    [
        ("bool", "1", True),
        ("bool", "0", False),
        ("bool", "false", False),
        ("bool", 1, True),
        ("int", "23", 23),
        ("int", "late", "late"),
        ("int", float("inf"), float("inf")),
        ("double", "0.5", 0.5),
        ("text", 0, "0"),
        ("", "1", "1"),
        ("new", True, True),
    ],
)
def test_a_value_is_of_its_settings_type_however_it_is_sent(
    kind: str, sent: object, value: PreferenceValue
) -> None:
    item = {"id": "X", "type": kind, "value": sent}

    (found,) = parse_preferences(container("Setting", item))

    assert found.value == value
    assert type(found.value) is type(value)


@pytest.mark.parametrize(
    "item", [{}, {"id": "X"}, {"id": "X", "value": [1]}, {"value": 1}]
)
def test_what_has_no_name_or_value_is_no_setting(item: dict[str, object]) -> None:
    good = {"id": "Y", "value": 2}
    (found,) = parse_preferences(container("Setting", item, good))
    assert found.id == "Y"

    with pytest.raises(PlexResponseError):
        parse_preferences(container("Setting", item))


@pytest.mark.parametrize("profile", [PROFILES["legacy"].with_traits(loose_types=True)])
async def test_settings_of_an_old_server_are_the_same(client: PlexClient) -> None:
    found = {it.id: it for it in await client.get_preferences()}

    assert found["ButlerStartHour"].value == 2
    assert found["ButlerStartHour"].options[:2] == (("0", "Midnight"), ("1", "1 am"))
    assert found["ButlerTaskBackupDatabase"].value is True


async def test_settings_are_written_at_once_and_read_again(
    client: PlexClient, plex: SimulatedPlex, sleeps: list[float]
) -> None:
    plex.requests.clear()
    now = await client.set_preferences(
        {
            "ButlerStartHour": 23,
            "ButlerTaskBackupDatabase": False,
            "GenerateBIFBehavior": "asap",
            "FriendlyName": "Loft & attic=1+1",
        }
    )

    assert value_of(now, "ButlerStartHour") == 23
    assert value_of(now, "ButlerTaskBackupDatabase") is False
    assert value_of(now, "GenerateBIFBehavior") == "asap"
    assert plex.name == "Loft & attic=1+1"
    assert [it.method for it in plex.requests] == ["PUT", "GET"]
    assert not sleeps


SETTLING = PROFILES["current"].with_traits


@pytest.mark.parametrize(
    ("profile", "waits"),
    [
        (SETTLING(preferences_settle=0.1), 1),
        (SETTLING(preferences_settle=0.7), 2),
        (SETTLING(preferences_settle=5), 10),
    ],
)
async def test_a_read_too_soon_after_a_write_is_tried_again(
    client: PlexClient, waits: int, sleeps: list[float]
) -> None:
    now = await client.set_preferences({"ButlerStartHour": 23})

    assert value_of(now, "ButlerStartHour") == 23
    assert sleeps == [0.5] * waits


@pytest.mark.parametrize("profile", [SETTLING(preferences_settle=6)])
async def test_a_server_that_never_settles_is_an_error(
    client: PlexClient, plex: SimulatedPlex, sleeps: list[float]
) -> None:
    with pytest.raises(PlexResponseError) as err:
        await client.set_preferences({"ButlerStartHour": 23})

    assert err.value.status == 400
    assert not isinstance(err.value, PlexPreferenceError)
    assert len(sleeps) == 10
    await plex.advance(2)
    assert value_of(await client.get_preferences(), "ButlerStartHour") == 23


@pytest.mark.parametrize("profile", ["current", "legacy"])
async def test_what_the_server_does_not_know_is_refused_and_nothing_changes(
    client: PlexClient, plex: SimulatedPlex
) -> None:
    with pytest.raises(PlexPreferenceError):
        await client.set_preferences({"ButlerStartHour": 1, "Nope": True})
    assert value_of(await client.get_preferences(), "ButlerStartHour") == 2

    now = await client.set_preferences({"ButlerStartHour": 1})
    assert value_of(now, "ButlerStartHour") == 1


async def test_a_value_that_cannot_be_is_refused(client: PlexClient) -> None:
    with pytest.raises(PlexPreferenceError):
        await client.set_preferences({"ButlerStartHour": 24})


async def test_who_is_not_the_owner_is_told_so(
    make_client: MakeClient, plex: SimulatedPlex
) -> None:
    with pytest.raises(PlexNotOwnerError):
        await make_client(token=plex.shared_token).set_preferences({"Nope": 1})


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("503", PlexMaintenanceError),
        ("404", PlexResponseError),
        ("refuse", PlexConnectionError),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "GET"])
async def test_a_write_that_fails_is_an_error_until_it_works(
    client: PlexClient,
    plex: SimulatedPlex,
    fault: str,
    error: type[Exception],
    method: str,
) -> None:
    plex.fault(fault, path="/:/prefs", method=method, count=2)
    with pytest.raises(error):
        await client.set_preferences({"ButlerStartHour": 1})
    plex.clear_faults()

    now = await client.set_preferences({"ButlerStartHour": 1})
    assert value_of(now, "ButlerStartHour") == 1
