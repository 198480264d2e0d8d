"""What dialogs and repairs show is looked up as Home Assistant does, in all tests."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
import json
from pathlib import Path
from string import Formatter
from typing import Any, Final
from unittest.mock import patch

from homeassistant.components.repairs import RepairsFlow
from homeassistant.config_entries import ConfigFlow, OptionsFlow
from homeassistant.data_entry_flow import FlowHandler, FlowManager, FlowResultType
from homeassistant.helpers import issue_registry as ir

from custom_components.plex_butler.const import DOMAIN

INTEGRATION: Final = Path(__file__).parents[1] / "custom_components" / DOMAIN
ENGLISH: Final = json.loads((INTEGRATION / "translations" / "en.json").read_text())


def placeholders(text: str) -> set[str]:
    """Return the names that stand in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def leaves(tree: Any, *path: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield all texts with the keys that lead to them."""
    if isinstance(tree, str):
        yield path, tree
        return
    for key, branch in tree.items():
        yield from leaves(branch, *path, key)


@contextmanager
def missing_texts() -> Iterator[list[str]]:
    """Return the texts that are shown and not there, or lack what they fill in."""
    missing: list[str] = []
    handle = FlowManager._async_handle_step
    create = ir.IssueRegistry.async_get_or_create

    def look(path: str, filled: Mapping[str, object]) -> None:
        text: Any = ENGLISH
        for key in path.split("."):
            text = text.get(key, {})
        if not isinstance(text, str):
            # The step of a dialog may do without a description.
            if ".step." not in path or not path.endswith(".description"):
                missing.append(path)
        elif lacking := placeholders(text) - filled.keys():
            missing.append(f"{path}: {lacking}")

    async def handle_step(
        manager: Any, flow: Any, step_id: str, user_input: Any
    ) -> Any:
        result = await handle(manager, flow, step_id, user_input)
        path, filled = _path_of(flow)
        filled |= result.get("description_placeholders") or {}
        for shown in _shown(path, result) if path else ():
            look(shown, filled)
        if path == "config" and "title_placeholders" in flow.context:
            look("config.flow_title", flow.context["title_placeholders"])
        return result

    def get_or_create(registry: Any, domain: str, *args: Any, **kwargs: Any) -> Any:
        issue = create(registry, domain, *args, **kwargs)
        if domain == DOMAIN:
            for text in ("title",) if issue.is_fixable else ("title", "description"):
                filled = issue.translation_placeholders or {}
                look(f"issues.{issue.translation_key}.{text}", filled)
        return issue

    with (
        patch.object(FlowManager, "_async_handle_step", handle_step),
        patch.object(ir.IssueRegistry, "async_get_or_create", get_or_create),
    ):
        yield missing


def _shown(path: str, result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts that a dialog shows now."""
    step = f"{path}.step.{result.get('step_id')}"
    match result["type"]:
        case FlowResultType.FORM:
            yield from (f"{step}.title", f"{step}.description")
            schema = result["data_schema"]
            for field in schema.schema if schema else ():
                yield from (f"{step}.data.{field}", f"{step}.data_description.{field}")
            for error in (result.get("errors") or {}).values():
                yield f"{path}.error.{error}"
        case FlowResultType.MENU:
            yield from (f"{step}.title", f"{step}.description")
            for option in result["menu_options"]:
                yield f"{step}.menu_options.{option}"
                yield f"{step}.menu_option_descriptions.{option}"
        case FlowResultType.SHOW_PROGRESS:
            yield from (f"{step}.title", f"{path}.progress.{result['progress_action']}")
        case FlowResultType.ABORT if "translation_domain" not in result:
            yield f"{path}.abort.{result['reason']}"


def _path_of(flow: FlowHandler[Any, Any, Any]) -> tuple[str, dict[str, str]]:
    """Return where the texts of a dialog of ours are, and what all of them fill in."""
    match flow:
        case RepairsFlow(handler=handler) if handler == DOMAIN:
            if issue := ir.async_get(flow.hass).async_get_issue(DOMAIN, flow.issue_id):
                filled = dict(issue.translation_placeholders or {})
                return f"issues.{issue.translation_key}.fix_flow", filled
        case OptionsFlow():
            entry = flow.hass.config_entries.async_get_entry(flow.handler)
            if entry and entry.domain == DOMAIN:
                return "options", {}
        case ConfigFlow(handler=handler) if handler == DOMAIN:
            return "config", {}
    return "", {}
