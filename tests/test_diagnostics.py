"""The download tells what a bug report needs, and not whose server it is."""

import json
from types import MappingProxyType
from typing import Any

from homeassistant.helpers.discovery_flow import DiscoveryKey
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.plex_butler.diagnostics import async_get_config_entry_diagnostics
from tests.conftest import Home
from tests.downloads import download
from tests.simulator import Kind, Row, Setting

# What people give names to, or what has a name because of them.
FILM, LIBRARY, COTTAGE = "Home Video of Ann", "Holidays of Ann", "The Cottage of Ann"
PERSON, NUMBER = "ann@example.com", 47_114_711
SECRETS = ("Ann", "ann@", "cottage", "Orchard", "Robin", f"{NUMBER}")


def gossip(event: str, kind: str) -> str:
    """Return a notification that tells of everything."""
    private = {
        "userID": NUMBER,
        "Context": {"librarySectionTitle": LIBRARY, "type": FILM, "title": FILM},
        "Response": [{"User": PERSON, "database": f"Butler's own of {PERSON}"}],
        "butler": f"the database of {PERSON}",
    }
    rows = [
        {"uuid": "1", "type": kind, "progress": 10, "title": FILM, **private},
        {"uuid": "2", "type": "butler", "title": "Backup Database", **private},
    ]
    items = [{"event": event, "uuid": it["uuid"], "Activity": it} for it in rows]
    return json.dumps(
        {"NotificationContainer": {"ActivityNotification": items, "User": PERSON}}
    )


@pytest.mark.usefixtures("all_entities_enabled")
async def test_nothing_in_it_tells_whose_server_it_is_or_what_is_watched(
    new_home: Home, hass_client: ClientSessionGenerator
) -> None:
    hass, plex, entry = new_home.hass, new_home.plex, new_home.entry
    hass.config.location_name = COTTAGE
    plex.name = COTTAGE
    key = DiscoveryKey(domain="zeroconf", key=(COTTAGE, COTTAGE), version=1)
    hass.config_entries.async_update_entry(
        entry,
        title=COTTAGE,
        discovery_keys=MappingProxyType({"zeroconf": (key,)}),
        data={**entry.data, "something_new": COTTAGE},
    )
    path = f"/home/{PERSON}/database"
    name, kind_of = "ButlerDatabaseBackupPath2", Kind.TEXT
    setting = Setting(id=name, kind=kind_of, default="", value=path, label=PERSON)
    plex.add_preference(setting)
    context = {"librarySectionTitle": LIBRARY, "type": FILM, "User": {"id": NUMBER}}
    for kind in ("library.update.section", "butler", FILM):
        title = "Backup Database" if kind == "butler" else FILM
        plex.state.board.begin(Row(uuid=kind, type=kind, title=title, context=context))
    await new_home.set_up()
    plex.sessions.play(FILM)
    plex.sessions.play()
    plex.noise.add()
    plex.client_start("BackupDatabase")
    for event in ("started", "updated", "ended"):
        plex.hub.send_raw(gossip(event, "library.update.section"))
    await plex.flush()
    await new_home.advance(31)

    text = await download(hass, hass_client, entry)
    data = json.loads(text)["data"]

    # It was all there to be found.
    assert len([it for it in data["record"] if "frame" in it]) >= 4
    assert [it for it in data["record"] if "activities" in it]
    rows = data["answers"]["/activities"]["MediaContainer"]["Activity"]
    assert "library.update.section" in {row["type"] for row in rows}
    assert "Backup Database" in {row.get("title") for row in rows}
    own = (plex.url, f":{plex.port}", plex.token, plex.machine_identifier)
    for secret in (*SECRETS, *own):
        assert secret not in text


async def test_what_is_nested_beyond_reason_does_not_keep_it_from_being_made(
    home: Home, hass_client: ClientSessionGenerator
) -> None:
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    row = Row(uuid="1", type="butler", title="Busy", context={"deep": deep})
    home.plex.state.board.begin(row)
    await home.plex.flush()
    await home.advance(31)

    data = json.loads(await download(home.hass, hass_client, home.entry))["data"]

    (notification,) = (it["frame"] for it in data["record"] if "frame" in it)
    (item,) = notification["NotificationContainer"]["ActivityNotification"]
    rows = data["answers"]["/activities"]["MediaContainer"]["Activity"]
    assert item["Activity"] in rows
    assert item["Activity"]["Context"] == "**REDACTED**"


async def test_entry_version_tasks_and_schedule_are_in_it(home: Home) -> None:
    diagnostics = await async_get_config_entry_diagnostics(home.hass, home.entry)
    entry, redacted = diagnostics["entry"], "**REDACTED**"
    assert entry["data"] == {"url": redacted, "token": redacted, "verify_ssl": True}
    assert entry["options"] == {}
    assert entry.keys() == {
        *("created_at", "modified_at", "version", "minor_version", "source"),
        *("options", "data"),
    }
    assert diagnostics["server"] == {"version": home.plex.version}
    assert {task["name"]: task["state"] for task in diagnostics["tasks"]} == {
        name: str(state) for name, state in home.plex.truth().items()
    }
    assert diagnostics["last_update_success"]
    schedule = diagnostics["schedule"]
    assert (schedule["ButlerStartHour"], schedule["ButlerEndHour"]) == (2, 5)
    assert schedule["ButlerTaskBackupDatabase"] is True
    assert "ButlerDatabaseBackupPath" not in schedule
