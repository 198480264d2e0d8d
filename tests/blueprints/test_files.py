"""Blueprints are complete, can be imported and ask nobody for more than needed."""

from io import StringIO
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from homeassistant.components.automation.config import AUTOMATION_BLUEPRINT_SCHEMA
from homeassistant.components.blueprint import models
from homeassistant.const import __version__
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import selector
from homeassistant.util.yaml import load_yaml_dict, parse_yaml
import pytest

from tests.house import BLUEPRINTS, ROOT

REQUIRED = {
    "back_up_before_an_update": {"server", "update"},
    "give_way_to_viewers": {"watchers", "servers"},
    "run_while": {"while_on", "servers"},
    "warn_without_backup": {"backup"},
    "what_butler_did_last_night": {"servers"},
}
REPOSITORY = "https://github.com/plex-butler/plex-butler-for-home-assistant"


def read(data: dict[str, Any]) -> models.Blueprint:
    """Have Home Assistant check a blueprint."""
    return models.Blueprint(
        data, expected_domain="automation", schema=AUTOMATION_BLUEPRINT_SCHEMA
    )


pytestmark = pytest.mark.parametrize(
    "path", sorted(BLUEPRINTS.glob("*.yaml")), ids=lambda path: path.stem
)


@pytest.fixture
def blueprint(path: Path) -> models.Blueprint:
    """Return one blueprint after the other, as Home Assistant reads it."""
    return read(load_yaml_dict(path))


def test_it_runs_where_the_integration_runs_and_says_what_it_is_and_where_it_is_from(
    blueprint: models.Blueprint, path: Path
) -> None:
    oldest = json.loads((ROOT / "hacs.json").read_text())["homeassistant"]
    url = f"{REPOSITORY}/blob/main/{path.relative_to(ROOT)}"
    button = "https://my.home-assistant.io/redirect/blueprint_import/?blueprint_url="
    page = (ROOT / "docs" / "automations.md").read_text()

    assert blueprint.metadata["homeassistant"] == {"min_version": oldest}
    assert blueprint.validate() is None, __version__
    assert blueprint.name.startswith("Plex Butler: ")
    assert len(blueprint.metadata["description"]) > 100
    assert blueprint.metadata["source_url"] == url
    assert button + quote(url, safe="") in page


def test_inputs_are_named_take_their_defaults_and_let_the_server_be_chosen(
    blueprint: models.Blueprint, path: Path, hass: HomeAssistant
) -> None:
    required, servers = set(), []
    for key, given in blueprint.inputs.items():
        assert given["name"], key
        choose: Any = selector(given["selector"])
        if "default" in given:
            choose(given["default"])
        else:
            required.add(key)
        of = given["selector"].get("device", {}).get("filter", [])
        servers += [key for it in of if it == {"integration": "plex_butler"}]

    assert required == REQUIRED[path.stem]
    # The one that warns only looks at a sensor
    assert len(servers) == (path.stem != "warn_without_backup")
    assert "all_tasks" not in path.read_text()


def test_tasks_are_called_as_they_are_elsewhere(blueprint: models.Blueprint) -> None:
    integration = ROOT / "custom_components" / "plex_butler"
    texts = json.loads((integration / "translations" / "en.json").read_text())
    names = texts["selector"]["task"]["options"]
    if tasks := blueprint.inputs.get("tasks"):
        options = tasks["selector"]["select"]["options"]
        assert {it["value"]: it["label"] for it in options}.items() <= names.items()
        assert tasks["default"] == [it["value"] for it in options]


def test_what_home_assistant_writes_after_the_import_is_the_same(
    blueprint: models.Blueprint,
) -> None:
    written = parse_yaml(StringIO(blueprint.yaml()))

    assert isinstance(written, dict)
    assert read(written).data == blueprint.data
