"""What the integration's files say of each other is true."""

from annotationlib import get_annotations
import ast
from collections.abc import Iterable, Iterator
from importlib import import_module
import json
import re
from typing import Final

from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.selector import TargetSelector, validate_selector
from homeassistant.util.yaml import load_yaml_dict
import pytest
import voluptuous as vol

from custom_components.plex_butler import schedule
from custom_components.plex_butler.api import PlexError
from custom_components.plex_butler.config_flow import PlexButlerConfigFlow
from custom_components.plex_butler.coordinator import PlexButlerConfigEntry
from custom_components.plex_butler.tasks import KNOWN_TASKS, task_key
from tests.house import ROOT
from tests.texts import ENGLISH, INTEGRATION, leaves, placeholders

ICONS: Final = json.loads((INTEGRATION / "icons.json").read_text())
DESCRIBED: Final = {
    kind: load_yaml_dict(str(INTEGRATION / f"{kind}.yaml"))
    for kind in ("services", "triggers", "conditions")
}

# Words between underscores, none of them empty
KEY: Final = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")

# Where texts are: those of dialogs (the last kind solves a problem), of entities, of
# what Home Assistant's own pages do not show but Activity and the calendar do, of what
# goes wrong, of choices, and of what automations are made of
_DIALOG: Final = r"(config|options|issues\.\w+\.fix_flow)"
_PARTS: Final = "data|data_description|menu_options|menu_option_descriptions"
PLACES: Final = (
    rf"{_DIALOG}\.step\.\w+\.(title|description|submit|({_PARTS})\.\w+)",
    rf"{_DIALOG}\.(abort|create_entry|error|progress)\.\w+",
    r"config\.flow_title",
    r"entity\.\w+\.\w+\.(name|unit_of_measurement|state\.\w+)",
    r"entity\.\w+\.\w+\.state_attributes\.\w+\.(name|state\.\w+)",
    r"common\.\w+",
    r"exceptions\.\w+\.message",
    r"issues\.\w+\.(title|description)",
    r"selector\.\w+\.options\.\w+",
    r"(services|triggers|conditions)\.\w+\.(fields\.\w+\.)?(name|description)",
)
DESCRIPTION: Final = vol.Schema(
    {
        str: {
            vol.Required("target"): TargetSelector.CONFIG_SCHEMA,
            vol.Optional("fields"): {
                str: {
                    vol.Optional("default"): object,
                    vol.Optional("example"): object,
                    vol.Optional("required"): bool,
                    vol.Required("selector"): validate_selector,
                }
            },
        }
    }
)

KEYS = {task_key(name) for name in KNOWN_TASKS}
TASKS = ENGLISH["selector"]["task"]["options"]
NAMES, SHOWN = ENGLISH["entity"], ICONS["entity"]
SOURCE = "\n".join(path.read_text() for path in INTEGRATION.rglob("*.py"))
HOURS = {"window_start", "window_end"}
MAPPED_ERRORS = {PlexError.key, *re.findall(r'Error, key="(\w+)"\):', SOURCE)}


def raised() -> Iterator[tuple[str, set[str]]]:
    """Yield the texts that the source raises, each with what it fills in."""
    for node in ast.walk(ast.parse(SOURCE)):
        match node:
            case ast.Call(
                func=ast.Name("PlexButlerError" | "InvalidCallError")
                | ast.Attribute(attr="__init__"),
                args=[ast.Constant(str(key))],
            ) if KEY.fullmatch(key):
                yield key, {it.arg for it in node.keywords if it.arg}


def scheduled(preferences: Iterable[str]) -> set[str]:
    return {key for name in preferences if (key := schedule.schedule_key(name))}


def test_texts_are_where_home_assistant_reads_them_under_keys_that_it_takes() -> None:
    for path, _ in (*leaves(ENGLISH), *leaves(ICONS)):
        assert all(KEY.fullmatch(key) for key in path), path
    for path, _ in leaves(ENGLISH):
        found = ".".join(path)
        assert any(re.fullmatch(place, found) for place in PLACES), found
    for key, issue in ENGLISH["issues"].items():
        # A person reads of a problem, or can solve it.
        assert issue.keys() in ({"title", "description"}, {"title", "fix_flow"}), key


def test_every_field_and_every_way_of_a_menu_is_described() -> None:
    told = {path for path, _ in leaves(ENGLISH)}
    parts = {"data": "data_description", "menu_options": "menu_option_descriptions"}
    for *step, part, name in told:
        for named, described in parts.items():
            assert part != named or (*step, described, name) in told
            assert part != described or (*step, named, name) in told


def test_names_of_entities_are_filled_in_by_title_or_label_alone() -> None:
    for path, text in leaves(ENGLISH["entity"]):
        allowed = {"title"} if "task" in path[1] else {"label"}
        assert placeholders(text) <= allowed, path


def test_the_documentation_explains_every_task_under_its_name() -> None:
    page = (INTEGRATION.parents[1] / "docs" / "entities.md").read_text()
    rows = re.findall(
        r"^\| ([^|]+) \| `(\w+)` \| [^|]+ \| [^|]+ \| [^|]+ \|$", page, re.MULTILINE
    )
    names = ENGLISH["selector"]["task"]["options"]

    assert {task for _, task in rows} == KNOWN_TASKS
    assert [name for name, _ in rows] == sorted(names.values())
    for name, task in rows:
        assert names[task_key(task)] == name


def test_the_hours_of_the_window_sort_in_their_order() -> None:
    selects = ENGLISH["entity"]["select"]
    begins, ends = selects["window_start"]["name"], selects["window_end"]["name"]

    assert begins < ends


def test_every_task_and_every_setting_has_a_name_and_an_icon() -> None:
    selects = scheduled(
        [*schedule.KNOWN_BEHAVIORS, schedule.START_HOUR, schedule.END_HOUR]
    ) | {"preference"}
    assert len(selects) == len(schedule.KNOWN_BEHAVIORS) + 3
    assert len(scheduled(schedule.KNOWN_SWITCHES)) == len(schedule.KNOWN_SWITCHES)
    runs = {f"last_run_{key}" for key in KEYS | {"task"}}
    for platform, keys in (
        ("switch", KEYS | {"task", "preference"} | scheduled(schedule.KNOWN_SWITCHES)),
        ("select", selects),
        ("sensor", runs | {"current_task", "progress", "next_window"}),
    ):
        assert NAMES[platform].keys() == SHOWN[platform].keys() == keys
    assert TASKS.keys() == KEYS
    for key in selects - HOURS:
        assert tuple(NAMES["select"][key]["state"]) == schedule.BEHAVIORS


def test_a_setting_and_a_last_run_are_called_after_their_task() -> None:
    assert set(schedule.KNOWN_BEHAVIORS.values()) <= KNOWN_TASKS
    named = {**NAMES["switch"], **NAMES["select"]}
    keys = scheduled([*schedule.KNOWN_SWITCHES, *schedule.KNOWN_BEHAVIORS])
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


def test_every_entity_has_a_name() -> None:
    named = {key for platform in NAMES.values() for key in platform}
    used = set(re.findall(r'\w+\((?:coordinator|entry.runtime_data), "(\w+)"', SOURCE))
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
        fields, told = description.get("fields", {}), ENGLISH[kind][name]
        assert told.get("fields", {}).keys() == fields.keys()
        for text in (told, *told.get("fields", {}).values()):
            assert text.keys() >= {"name", "description"}, name
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


def test_icons_of_states_are_their_own_and_no_setting_has_that_of_a_run() -> None:
    assert all(re.fullmatch(r"mdi:[a-z0-9-]+", icon) for _, icon in leaves(ICONS))
    for platform, entities in SHOWN.items():
        for key, icons in entities.items():
            states = icons.get("state", {}).values()
            assert icons["default"] not in states, key
            if platform == "select" or key == "preference" or "schedule_" in key:
                shown = [icons["default"], *states]
                assert all(it.startswith("mdi:calendar-") for it in shown), key


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
