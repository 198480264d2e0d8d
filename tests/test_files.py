"""What the integration's files say of each other is true."""

from annotationlib import get_annotations
import ast
from collections.abc import Iterable
from importlib import import_module
import json
import re

from homeassistant.helpers import config_validation as cv
import pytest

from custom_components.plex_butler.api import PlexError
from custom_components.plex_butler.config_flow import PlexButlerConfigFlow
from custom_components.plex_butler.coordinator import PlexButlerConfigEntry
from custom_components.plex_butler.schedule import (
    BEHAVIORS,
    END_HOUR,
    KNOWN_BEHAVIORS,
    KNOWN_SWITCHES,
    START_HOUR,
    schedule_key,
)
from custom_components.plex_butler.tasks import KNOWN_TASKS, task_key
from tests.house import ROOT
from tests.test_texts import DESCRIBED, DESCRIPTION, ICONS, leaves, raised
from tests.texts import ENGLISH, INTEGRATION, placeholders

KEYS = {task_key(name) for name in KNOWN_TASKS}
TASKS = ENGLISH["selector"]["task"]["options"]
NAMES, SHOWN = ENGLISH["entity"], ICONS["entity"]
SOURCE = "\n".join(path.read_text() for path in INTEGRATION.rglob("*.py"))
ENTITIES = "\n".join(
    (INTEGRATION / f"{platform}.py").read_text()
    for platform in ("binary_sensor", "button", "event", "select", "sensor", "switch")
)
HOURS = {"window_start", "window_end"}
MAPPED_ERRORS = {PlexError.key, *re.findall(r'Error, key="(\w+)"\):', SOURCE)}


def scheduled(preferences: Iterable[str]) -> set[str]:
    return {key for name in preferences if (key := schedule_key(name))}


def test_every_task_and_every_setting_has_a_name_and_an_icon() -> None:
    selects = scheduled([*KNOWN_BEHAVIORS, START_HOUR, END_HOUR]) | {"preference"}
    assert len(selects) == len(KNOWN_BEHAVIORS) + 3
    assert len(scheduled(KNOWN_SWITCHES)) == len(KNOWN_SWITCHES)
    runs = {f"last_run_{key}" for key in KEYS | {"task"}}
    for platform, keys in (
        ("switch", KEYS | {"task", "preference"} | scheduled(KNOWN_SWITCHES)),
        ("select", selects),
        ("sensor", runs | {"current_task", "progress", "next_window"}),
    ):
        assert NAMES[platform].keys() == SHOWN[platform].keys() == keys
    assert TASKS.keys() == KEYS
    for key in selects - HOURS:
        assert tuple(NAMES["select"][key]["state"]) == BEHAVIORS


def test_a_setting_and_a_last_run_are_called_after_their_task() -> None:
    assert set(KNOWN_BEHAVIORS.values()) <= KNOWN_TASKS
    named = {**NAMES["switch"], **NAMES["select"]}
    keys = scheduled([*KNOWN_SWITCHES, *KNOWN_BEHAVIORS])
    # A setting without a task that anybody has seen.
    keys.remove("schedule_reverse_geocode")
    for key in keys:
        task = TASKS[key.removeprefix("schedule_")]
        assert named[key]["name"] == f"Schedule: {lower(task)}"
    for key, text in TASKS.items():
        name = f"Last run: {lower(text)}"
        # The one that is enabled at first
        name = "Last database backup" if key == "backup_database" else name
        assert NAMES["sensor"][f"last_run_{key}"]["name"] == name


def lower(text: str) -> str:
    return text[0].lower() + text[1:]


def test_no_setting_of_the_schedule_has_the_icon_of_a_run() -> None:
    for platform in ("switch", "select"):
        for key, icons in SHOWN[platform].items():
            if key.startswith("schedule_") or key in {"preference", *HOURS}:
                shown = [icons["default"], *icons.get("state", {}).values()]
                assert all(it.startswith("mdi:calendar-") for it in shown), key


def test_every_entity_has_a_name() -> None:
    named = {key for platform in NAMES.values() for key in platform}
    used = set(
        re.findall(r'\w+\((?:coordinator|entry.runtime_data), "(\w+)"', ENTITIES)
    )

    assert {"butler", "progress", "task"} <= used <= named
    assert NAMES["button"].keys() == {f"{it}_all_tasks" for it in ("start", "stop")}


def test_names_are_in_sentence_case() -> None:
    proper = {"Gracenote"}
    for key, option in TASKS.items():
        first, *others = option.split()
        assert first[0].isupper(), key
        assert all(word in proper or word.islower() for word in others), key
        # Words of the server's that mean nothing
        assert not {"garbage", "hash"} & set(others), key


@pytest.mark.parametrize("kind", DESCRIBED)
def test_every_action_trigger_and_condition_is_described_rightly(kind: str) -> None:
    described = DESCRIPTION(DESCRIBED[kind])
    assert ENGLISH[kind].keys() == described.keys() == ICONS[kind].keys()
    for name, description in described.items():
        fields = description.get("fields", {})
        assert ENGLISH[kind][name].get("fields", {}).keys() == fields.keys()
        assert cv.slug(name) == name
        for field in fields.values():
            if select := field["selector"].get("select"):
                texts = ENGLISH["selector"][select["translation_key"]]["options"]
                assert set(select["options"]) == texts.keys()


def test_every_exception_that_is_raised_has_a_text_and_none_is_idle() -> None:
    keys = {key for key, _ in raised()}
    assert keys | MAPPED_ERRORS == ENGLISH["exceptions"].keys()
    for key, filled in raised():
        assert placeholders(ENGLISH["exceptions"][key]["message"]) <= filled, key


def test_icons_come_from_the_one_set_and_those_of_states_are_their_own() -> None:
    assert all(re.fullmatch(r"mdi:[a-z0-9-]+", icon) for _, icon in leaves(ICONS))
    for entities in SHOWN.values():
        for key, icons in entities.items():
            assert icons["default"] not in icons.get("state", {}).values(), key


def test_every_icon_exists() -> None:
    reason = "only the environment of the current release has it"
    frontend = pytest.importorskip("hass_frontend", reason=reason)
    listed = json.loads((frontend.where() / "static/mdi/iconList.json").read_text())
    there = {f"mdi:{icon['name']}" for icon in listed}
    assert {icon for _, icon in leaves(ICONS)} <= there


def test_the_manifest_is_in_order_and_has_what_hacs_asks() -> None:
    manifest = json.loads((INTEGRATION / "manifest.json").read_text())
    keys = list(manifest)

    assert keys[:2] == ["domain", "name"]
    assert keys[2:] == sorted(keys[2:])
    assert manifest["domain"] == INTEGRATION.name
    assert "requirements" not in manifest
    assert manifest["version"] in (ROOT / "CHANGELOG.md").read_text()


def test_the_readme_names_the_oldest_release_that_is_supported() -> None:
    oldest = json.loads((ROOT / "hacs.json").read_text())["homeassistant"]

    named = f"Home Assistant {oldest.removesuffix('.0')}"
    assert named in (ROOT / "README.md").read_text()


def test_names_come_from_the_package_that_has_them() -> None:
    """The modules of a component are its own affair, as core's checks say too."""
    for node in ast.walk(ast.parse(SOURCE)):
        match node:
            case ast.ImportFrom(module=str(module), names=names) if module.startswith(
                "homeassistant.components."
            ):
                package = ".".join(module.split(".")[:3])
                exported = vars(import_module(package)).keys()
                deep = {name.name for name in names} & exported
                assert module == package or not deep, (module, deep)


def test_the_options_flow_is_made_for_an_entry_of_ours() -> None:
    made_for = get_annotations(PlexButlerConfigFlow.async_get_options_flow)

    assert made_for["config_entry"] is PlexButlerConfigEntry
