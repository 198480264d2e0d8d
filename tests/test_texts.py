"""Every text and description is as Home Assistant's own checks want it."""

import ast
from collections.abc import Iterator
import json
import re
from typing import Any, Final

from homeassistant.helpers.selector import TargetSelector, validate_selector
from homeassistant.util.yaml import load_yaml_dict
import voluptuous as vol

from custom_components.plex_butler.tasks import KNOWN_TASKS, task_key
from tests.texts import ENGLISH, INTEGRATION, placeholders

ICONS: Final = json.loads((INTEGRATION / "icons.json").read_text())
DESCRIBED: Final = {
    kind: load_yaml_dict(str(INTEGRATION / f"{kind}.yaml"))
    for kind in ("services", "triggers", "conditions")
}

# Words between underscores, none of them empty
KEY: Final = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")


def _optional(shape: Any, *keys: str) -> dict[Any, Any]:
    return {vol.Optional(key): shape for key in keys}


_TEXTS: Final = {str: str}
_STEPS: Final = {
    str: {
        **_optional(str, "title", "description", "submit"),
        **_optional(_TEXTS, "data", "data_description"),
        **_optional(_TEXTS, "menu_options", "menu_option_descriptions"),
    }
}
_FLOW: Final = {
    vol.Required("step"): _STEPS,
    **_optional(_TEXTS, "abort", "create_entry", "error", "progress"),
}
_NAMED: Final = {vol.Required("name"): str, vol.Required("description"): str}
_FIELDS: Final[dict[Any, Any]] = {
    str: {**_NAMED, vol.Optional("fields"): {str: _NAMED}}
}
SHAPE: Final = vol.Schema(
    {
        vol.Required("config"): {**_FLOW, vol.Optional("flow_title"): str},
        vol.Required("options"): _FLOW,
        vol.Required("entity"): {
            str: {
                str: {
                    **_optional(str, "name", "unit_of_measurement"),
                    vol.Optional("state"): _TEXTS,
                    vol.Optional("state_attributes"): {
                        str: {**_optional(str, "name"), **_optional(_TEXTS, "state")}
                    },
                }
            }
        },
        # What Home Assistant's own pages do not show, but Activity and the calendar do
        vol.Required("common"): _TEXTS,
        vol.Required("exceptions"): {str: {vol.Required("message"): str}},
        # A problem that a person reads of, or one that a person can solve
        vol.Required("issues"): {
            str: vol.Any(
                {vol.Required("title"): str, vol.Required("description"): str},
                {vol.Required("title"): str, vol.Required("fix_flow"): _FLOW},
            )
        },
        vol.Required("selector"): {str: {vol.Required("options"): _TEXTS}},
        vol.Required("services"): _FIELDS,
        vol.Required("triggers"): _FIELDS,
        vol.Required("conditions"): _FIELDS,
    }
)
DESCRIPTION: Final = vol.Schema(
    {
        str: {
            vol.Required("target"): TargetSelector.CONFIG_SCHEMA,
            vol.Optional("fields"): {
                str: {
                    **_optional(object, "default", "example"),
                    vol.Optional("required"): bool,
                    vol.Required("selector"): validate_selector,
                }
            },
        }
    }
)


def leaves(tree: Any, *path: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield all texts with the keys that lead to them."""
    if isinstance(tree, str):
        yield path, tree
        return
    for key, branch in tree.items():
        yield from leaves(branch, *path, key)


def raised() -> Iterator[tuple[str, set[str]]]:
    """Yield the texts that the source raises, each with what it fills in."""
    for path in INTEGRATION.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Name("PlexButlerError" | "InvalidCallError")
                    | ast.Attribute(attr="__init__"),
                    args=[ast.Constant(str(key))],
                ) if KEY.fullmatch(key):
                    yield key, {it.arg for it in node.keywords if it.arg}


def test_texts_have_the_shape_that_home_assistant_reads() -> None:
    SHAPE(ENGLISH)


def test_keys_are_words_between_underscores() -> None:
    for path, _ in (*leaves(ENGLISH), *leaves(ICONS)):
        assert all(KEY.fullmatch(key) for key in path), path


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
