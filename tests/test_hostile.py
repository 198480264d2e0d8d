"""A server, a network and a plex.tv that mean no good: bounded, shown as text, no token."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
import gc
import tracemalloc
from typing import Any

from homeassistant.const import CONF_URL, EVENT_STATE_CHANGED, STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant, valid_entity_id
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.json import json_bytes
from homeassistant.helpers.template import Template
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.plex_butler.calendar import RunHistory
from custom_components.plex_butler.const import DOMAIN, EVENT_TASK
from custom_components.plex_butler.run_state import EndedRun, Evidence, Moment, Result
from tests.conftest import Home, SignIn, add_entry, device_of, settle
from tests.downloads import download
from tests.flows import announce
from tests.simulator import (
    PROFILES,
    Connection,
    Kind,
    ManualClock,
    Row,
    Setting,
    SimulatedPlex,
    SimulatedPlexTv,
    TaskSpec,
    local_http,
)

pytestmark = pytest.mark.thorough

MIB = 1024 * 1024
# More than any server has had, and all that is kept of one that has more.
MOST_OF_A_KIND = 200
UUID = "5f0a1b2c-0000-4000-8000-{:012x}"


@contextmanager
def no_more_than(mib: float) -> Iterator[None]:
    """Fail if more memory than this is held afterwards than was before."""
    tracemalloc.start()
    try:
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        yield
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / MIB < mib


def known_of(hass: HomeAssistant, part: str) -> Counter[str]:
    """Return how many entities of a kind the registry knows, be they removed."""
    registry = er.async_get(hass)
    known = [(it.domain, it.unique_id) for it in registry.entities.values()]
    known += [(it.domain, it.unique_id) for it in registry.deleted_entities.values()]
    return Counter(domain for domain, unique_id in known if part in unique_id)


async def list_anew(home: Home) -> None:
    """Have the server tell that a setting changed, which has all listed again."""
    setting = home.plex.state.preferences["ButlerTaskBackupDatabase"]
    home.plex.set_preference(setting.id, not setting.value)
    await home.advance(3)


@pytest.mark.usefixtures("all_entities_enabled")
async def test_ever_new_tasks_and_settings_do_not_fill_the_registry(home: Home) -> None:
    tasks: list[str] = []
    settings: list[str] = []
    for number in range(4):
        for name in tasks:
            home.plex.remove_task(name)
        for name in settings:
            home.plex.remove_preference(name)
        tasks = [f"Polish{number}x{it}" for it in range(300)]
        settings = [f"ButlerTaskBrass{number}x{it}" for it in range(150)]
        for name in tasks:
            home.plex.add_task(TaskSpec(name=name, title=name, description=""))
        for name in settings:
            home.plex.add_preference(
                Setting(id=name, label=name, kind=Kind.BOOL, default=True, value=True)
            )
        await list_anew(home)
    for part in ("_task_", "_preference_"):
        assert max(known_of(home.hass, part).values()) <= MOST_OF_A_KIND
    assert len(home.hass.states.async_all()) < 5 * MOST_OF_A_KIND

    # The server's own tasks are as before, and work.
    assert home.state() == STATE_OFF
    await home.start()
    assert home.state() == STATE_ON


@pytest.mark.slow
async def test_thousands_of_activities_leave_nothing_behind(
    home: Home, hass_client: ClientSessionGenerator, hass_storage: dict[str, Any]
) -> None:
    await home.start()
    with no_more_than(2):
        for number in range(3_000):
            row = Row(uuid=f"u{number}", type="butler", title=f"Polish {number}")
            home.plex.state.board.begin(row)
            home.plex.state.board.rows.clear()
            if number % 500 == 0:
                await home.plex.flush()
                await settle(home.hass)
        await home.advance(120)
    home.plex.requests.clear()
    await home.pass_minutes(2)
    assert home.state() == STATE_OFF
    assert len(await download(home.hass, hass_client, home.entry)) < MIB
    await home.unload()
    stored = hass_storage[f"{DOMAIN}.{home.entry.entry_id}"]
    assert len(json_bytes(stored)) < MIB / 8


@pytest.mark.parametrize("where", ["stream", "answers"])
async def test_what_is_kept_for_bug_reports_is_small_however_much_is_sent(
    home: Home, hass_client: ClientSessionGenerator, where: str
) -> None:
    board, filler = home.plex.state.board, {f"key{it}": "x" * 900 for it in range(500)}
    with no_more_than(8):
        for number in range(30):
            row = Row(uuid=f"u{number}", type="butler", title="", context=filler)
            if where == "stream":
                board.begin(row)
            else:
                board.rows[row.uuid] = row
            home.plex.requests.clear()
            await home.advance(61)
            board.rows.clear()
        await home.advance(600)
        await home.advance(600)
    assert home.state() == STATE_OFF
    assert len(await download(home.hass, hass_client, home.entry)) < MIB


@pytest.mark.parametrize("profile", [PROFILES["silent"].with_traits(log_tells=True)])
@pytest.mark.parametrize(
    "line",
    [
        "Completed: [192.168.4.21:5] 200 DELETE /butler/Polish{n} (2 live) #1b",
        "Completed: [192.168.4.21:5] 200 POST /butler/Polish{n} (2 live) #1b",
        'Activity: registered new sub-activity {u} - "Polish{n}" parent: {u}',
        'Activity: registered new sub-activity {u} - "BackupDatabase" parent: {u}',
        "Activity: ended sub-activity {u} parent: {u}",
    ],
)
async def test_thousands_of_lines_of_the_log_leave_nothing_behind(
    home: Home, line: str
) -> None:
    home.plex.durations["BackupDatabase"] = 3600
    await home.start()
    await home.advance(1)
    with no_more_than(0.75):
        for number in range(3_000):
            home.plex.log.write(line.format(n=number, u=UUID.format(number)))
            if number % 500 == 0:
                await home.plex.flush()
                await settle(home.hass)
                await home.advance(3)
    assert home.state() == STATE_ON


MARKUP = {
    "html": "<script>alert(1)</script>",
    "markdown": "[here](http://a.example) ![](http://a.example/x.png)",
    "template": "{{ 1 + 1 }}{% if 1 %}{title}{0}{",
    "right to left": "\u200fשָׁלוֹם",
    "control": "Polish\x00\x1b[31m\u202egnp.exe",
    "symbols": "☃ ... ///",
    "endless": "Polish the brass. " * 1000,
}
# Of these, Markdown makes links and images, and HTML all it likes.
ACTIVE = set("<>[]\x00\x1b\u202e")


@pytest.mark.parametrize("markup", MARKUP.values(), ids=MARKUP)
@pytest.mark.usefixtures("all_entities_enabled")
async def test_markup_in_names_and_titles_is_text(
    hass: HomeAssistant, new_home: Home, markup: str
) -> None:
    home, told = new_home, async_capture_events(hass, EVENT_TASK)
    written = async_capture_events(hass, EVENT_STATE_CHANGED)
    home.plex.name = markup
    home.plex.add_task(
        TaskSpec(name="PolishBrass", title=markup, description=markup, seconds=60)
    )
    await home.set_up()
    home.plex.client_start("PolishBrass")
    await home.advance_steps(8, 10)

    registry = er.async_get(hass)
    unique_id = f"{home.plex.machine_identifier}_task_PolishBrass"
    switch = registry.async_get_entity_id("switch", DOMAIN, unique_id)
    assert switch
    for entity in er.async_entries_for_config_entry(registry, home.entry.entry_id):
        assert valid_entity_id(entity.entity_id)
    assert {event.data["type"] for event in told} == {"started", "ended"}
    names = [event.data["task"] for event in told]
    names += [it.name for it in hass.states.async_all()]
    names.append(device_of(hass, home.entry).name or "")
    shown = {
        it.state
        for event in written
        if (it := event.data["new_state"]) and "current_task" in it.entity_id
    }
    assert len(shown) == 2 + 1  # idle, the task, and before it was known
    for name in [*names, *shown]:
        assert not ACTIVE & set(name)
        assert 0 < len(name) < 600
    if "1 + 1" in markup:
        assert "1 + 1" in names[0]
        template = f"{{{{ state_attr('{switch}', 'friendly_name') }}}}"
        assert "{{ 1 + 1 }}" in Template(template, hass).async_render()
    # It is still known by the very name and title that the server gave it.
    await home.call("start_task", "PolishBrass")
    assert home.plex.truth()["PolishBrass"] == "running"


def way(uri: str, address: str = "") -> Connection:
    return Connection(uri=uri, address=address, port=32400, local=True)


async def test_of_what_plex_tv_lists_only_the_server_itself_gets_its_token(
    hass: HomeAssistant, tv: SimulatedPlexTv, plex: SimulatedPlex, sign_in: SignIn
) -> None:
    async with (
        SimulatedPlex(seed=7, name="Cellar", clock=ManualClock()) as other,
        SimulatedPlex(clock=ManualClock()) as elsewhere,
    ):
        other.fault("redirect", path="/identity", target=elsewhere.url)
        ways = [
            way("file:///etc/passwd", "::not an address::"),
            way("javascript:alert(1)"),
            way("https://app.plex.tv/"),
            way(f"http://user:password@127.0.0.1:{other.port}"),
            local_http(other),
            local_http(plex),
        ]
        # No server has so many addresses, and each is asked at once.
        ways += [way(f"http://127.0.0.1:{other.port}/{it}") for it in range(300)]
        tv.add_server(plex, connections=ways)
        result = await sign_in()
        asked = [*other.requests, *elsewhere.requests]

    assert (result["data"][CONF_URL], result["title"]) == (plex.url, plex.name)
    assert not [it for it in asked if "X-Plex-Token" in it.headers]
    assert len(asked) < 32
    await settle(hass)


async def test_ever_new_tasks_that_run_do_not_fill_the_storage(
    home: Home, hass_storage: dict[str, Any]
) -> None:
    for number in range(0, 320, 40):
        names = [f"Polish{it}" for it in range(number, number + 40)]
        for name in names:
            home.plex.add_task(TaskSpec(name=name, title=name, description=""))
        await list_anew(home)
        rows = [Row(uuid=name, type="butler", title=name) for name in names]
        for row in rows:
            home.plex.state.board.begin(row)
        await home.advance(1)
        for row in rows:
            home.plex.state.board.end(row.uuid)
        await home.advance(1)
        for name in names:
            home.plex.remove_task(name)
    await home.unload()
    last = hass_storage[f"{DOMAIN}.{home.entry.entry_id}"]["data"]["last"]
    assert last[-1]["task"] == "Polish319"
    assert 100 < len(last) <= MOST_OF_A_KIND


async def test_ever_new_runs_are_forgotten_before_they_are_stored(
    hass: HomeAssistant,
) -> None:
    history, moment = RunHistory(hass, "attic"), Moment(dt_util.utcnow(), 0.0)
    run = EndedRun("Polish", Result.ENDED, Evidence.OBSERVED, None, moment)
    for _ in range(900):
        history.async_add(run, "Polish")
    assert len(history._runs) == 500


async def test_an_address_is_remembered_of_a_known_server_that_announced_it_last(
    hass: HomeAssistant, plex: SimulatedPlex
) -> None:
    await announce(hass, plex.port)
    remembered = hass.data[f"{DOMAIN}_announced"]
    assert remembered == {}

    entry = add_entry(hass, plex)
    await announce(hass, plex.port)
    assert remembered == {("127.0.0.1", plex.port): entry.unique_id}

    plex.machine_identifier = "b" * 40
    await announce(hass, plex.port)
    assert remembered == {}
