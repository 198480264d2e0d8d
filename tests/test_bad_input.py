"""Whatever a person pastes or a storage holds: it is used, refused or forgotten."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import product
import json
from time import process_time
from typing import Any

from homeassistant.const import CONF_TOKEN, CONF_URL, STATE_OFF
from homeassistant.helpers.json import json_bytes
from homeassistant.util import dt as dt_util
from hypothesis import example, given, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler import run_state
from custom_components.plex_butler.api import PlexResponseError, models
from custom_components.plex_butler.api.address import parse_address, parse_token
from custom_components.plex_butler.api.notifications import parse_frame
from custom_components.plex_butler.api.plextv import parse_owned_servers, parse_pin
from custom_components.plex_butler.api.redact import redact_frame
from custom_components.plex_butler.flow.forms import read_form, shown_values
from custom_components.plex_butler.run_state import Moment, Rules
from custom_components.plex_butler.run_state.rules import apply
from custom_components.plex_butler.schedule import Window
from custom_components.plex_butler.task_actions import describe
from custom_components.plex_butler.tracker import next_snapshot
from tests.conftest import BACKUP_SWITCH, Home, settle
from tests.test_calendar import past

pytestmark = pytest.mark.thorough

NOW = Moment(datetime(2026, 11, 22, 12, tzinfo=UTC), 1000.0)
LATER = NOW + timedelta(hours=13)
NIGHT = Window(start_hour=2, end_hour=5, zone=UTC)
TASKS = models.parse_butler_tasks(
    {"ButlerTasks": {"ButlerTask": {"name": "BackupDatabase"}}}
)
WHEN = "2026-11-22T11:00:00+00:00"
ENDS_OF_TIME = "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
MOMENT = st.datetimes().map(datetime.isoformat) | st.sampled_from(ENDS_OF_TIME)
FIELD = ANYTHING | MOMENT | st.sampled_from(["observed", "ended", "lost", "nan", WHEN])
RUN = {
    "task": "BackupDatabase",
    "evidence": "observed",
    "started": WHEN,
    "proved": WHEN,
    "queued": False,
    "sent": None,
    "row": None,
    "log_id": None,
}
OVER = {
    "task": "BackupDatabase",
    "result": "ended",
    "evidence": "observed",
    "started": WHEN,
    "ended": WHEN,
    "ran": True,
    "sent": None,
}


def changed(thing: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    names = st.sampled_from([*thing, "end", "progress", "grace_over", "unheard"])
    return st.dictionaries(names, FIELD, max_size=3).map(lambda more: thing | more)


MEMORIES = st.fixed_dictionaries(
    {},
    optional={
        "version": ANYTHING,
        "known": ANYTHING | changed({"names_tasks": True, "unnamed": 2}),
        "runs": ANYTHING | st.lists(changed(RUN), min_size=1, max_size=2),
        "last": ANYTHING | st.lists(changed(OVER), min_size=1, max_size=2),
        "stood": ANYTHING | st.dictionaries(st.text(), FIELD),
    },
)


@given(MEMORIES)
@example({"runs": [RUN | {"proved": ENDS_OF_TIME[1]}]})
@example({"runs": [RUN | {"progress": "nan"}]})
@example({"runs": [RUN | {"queued": True, "proved": ENDS_OF_TIME[0]}]})
def test_any_memory_is_used_or_forgotten(memory: dict[str, Any]) -> None:
    state = run_state.load(memory, NOW)
    for rule, what in (
        (Rules.version_seen, "1.43"),
        (Rules.tasks_listed, TASKS),
        (Rules.window_changed, NIGHT),
    ):
        state, _ = apply(state, NOW, rule, what)
    for now in (NOW, LATER, LATER + timedelta(seconds=1)):
        state, _ = apply(state, now, Rules.snapshot, (), now)
        task = run_state.view(state).tasks["BackupDatabase"]
        assert task.progress is None
        json_bytes(describe(task))
        assert next_snapshot(state) - now < timedelta(days=1)
        # It can be kept, and is read again.
        kept = json.loads(json_bytes(run_state.dump(state)))
        assert run_state.load(kept, now).last.keys() == state.last.keys()


PAST_RUN = {
    "task": "BackupDatabase",
    "title": "Backup Database",
    "result": "ended",
    "evidence": "observed",
    "started": None,
    "ended": WHEN,
    "duration": 90.0,
}
VALUES: list[Any] = [
    *(None, True, 7, -7, 1e308, 10**400, "", "nan", "inf", "-inf", "-1", [], {}),
    *("observed", "lost", "\ud800", "2026-11-22", WHEN, *ENDS_OF_TIME),
]


async def test_a_history_of_which_anything_may_be_wrong_is_shown_all_the_same(
    new_home: Home, hass_storage: dict[str, Any], entry: MockConfigEntry
) -> None:
    hass = new_home.hass
    key = f"plex_butler.{entry.entry_id}.runs"
    ended = dt_util.utcnow() - timedelta(hours=1)
    good = PAST_RUN | {"ended": ended.isoformat(), "started": ended.isoformat()}
    wrong = [good | {name: value} for name, value in product(PAST_RUN, VALUES)]
    data = {"runs": [*wrong, good | {"title": "Polish Brass", "task": "PolishBrass"}]}
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": data}
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)

    assert hass.states.is_state(BACKUP_SWITCH, STATE_OFF)
    shown = await past(new_home)
    assert [it for it in shown if it["summary"].startswith("Polish Brass")]
    for event in shown:
        assert event["start"] <= event["end"]


PASTED = st.text() | st.text().map("http://{}".format)


@given(PASTED, PASTED, st.booleans())
def test_any_text_in_a_form_is_kept_as_what_it_is_or_said_to_be_wrong(
    url: str,
    token: str,
    again: bool,  # noqa: FBT001 hypothesis fills it in by its place
) -> None:
    known = {CONF_URL: "http://attic:32400", CONF_TOKEN: "secret"} if again else {}
    data, _, errors = read_form({CONF_URL: url, CONF_TOKEN: token}, known)

    assert errors.keys() <= {CONF_URL, CONF_TOKEN}
    if not errors:
        assert data[CONF_TOKEN].strip() == data[CONF_TOKEN] != ""
        assert read_form(shown_values(data), data)[0] == data


PARSERS: list[Callable[[bytes], object]] = [
    redact_frame,
    parse_frame,
    lambda body: models.parse_activities(models.decode(body)),
    lambda body: models.parse_butler_tasks(models.decode(body)),
    lambda body: models.parse_preferences(models.decode(body)),
    lambda body: models.parse_server(models.decode(body)),
    lambda body: parse_pin(models.decode(body)),
    lambda body: tuple(parse_owned_servers(models.decode(body))),
]


def cost(work: Callable[[Any], object], what: str | bytes) -> float:
    """Return the CPU seconds that something takes, whatever comes of it."""
    costs = []
    for _ in range(3):
        began = process_time()
        with suppress(PlexResponseError, ValueError):
            work(what)
        costs.append(process_time() - began)
    return min(costs)


def assert_linear(work: Callable[[Any], object], part: str | bytes, size: int) -> None:
    """See that eight times as much costs far less than 64 times as much."""
    small, large = (cost(work, part * (it // len(part))) for it in (size, 8 * size))
    assert large < 24 * max(small, 0.001)


@pytest.mark.parametrize(
    "part",
    [" ", "a ", "'", "a.", "/x", "@", "[", "-", "%C3", "é.", "x-plex-token=", "a:"],
)
@pytest.mark.parametrize("around", ["{}", "a{}b", "http://{}b", "http://a/{}b"])
@pytest.mark.parametrize("parse", [parse_address, parse_token])
def test_a_long_text_that_is_pasted_costs_time_in_proportion(
    parse: Callable[[str], object], part: str, around: str
) -> None:
    assert_linear(lambda text: parse(around.format(text)), part, 2_000)


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(
    "part",
    [
        *(b"[],", b"{", b'"\\ud800",', b"1" * 4096 + b",", b'{"a":[],"b":1e9},'),
        *(b'{"name":"a"},', b'{"type":"butler"},', b" ", b'"', b"\\", b"\xff"),
    ],
)
def test_a_long_answer_costs_time_in_proportion(
    parse: Callable[[bytes], object], part: bytes
) -> None:
    def wrapped(parts: bytes) -> None:
        for outer, key in (
            (b"NotificationContainer", b"ActivityNotification"),
            (b"MediaContainer", b"Activity"),
            (b"ButlerTasks", b"ButlerTask"),
        ):
            parse(b'{"%s":{"%s":[%s"butler"]}}' % (outer, key, parts))

    assert_linear(wrapped, part, 32_000)
