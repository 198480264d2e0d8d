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

_ENGLISH: Final = json.loads(
    Path(__file__)
    .parents[1]
    .joinpath("custom_components", DOMAIN, "translations", "en.json")
    .read_text()
)


def placeholders(text: str) -> set[str]:
    """Return the names that stand in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


class Texts:
    """Texts that were shown and are not there, or lack what they fill in."""

    def __init__(self) -> None:
        """Begin with none."""
        self.missing: list[str] = []

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Look at all that dialogs and repairs show."""
        handle = FlowManager._async_handle_step
        create = ir.IssueRegistry.async_get_or_create

        async def handle_step(
            manager: Any, flow: Any, step_id: str, user_input: Any
        ) -> Any:
            result = await handle(manager, flow, step_id, user_input)
            path, known = _path_of(flow)
            if path:
                self._look_at_result(path, result, known, flow.context)
            return result

        def get_or_create(registry: Any, domain: str, *args: Any, **kwargs: Any) -> Any:
            issue = create(registry, domain, *args, **kwargs)
            if domain == DOMAIN:
                self._look_at_issue(issue)
            return issue

        with (
            patch.object(FlowManager, "_async_handle_step", handle_step),
            patch.object(ir.IssueRegistry, "async_get_or_create", get_or_create),
        ):
            yield

    def _look_at_result(
        self,
        path: str,
        result: Mapping[str, Any],
        known: Mapping[str, str],
        context: Mapping[str, Any],
    ) -> None:
        filled = {**known, **(result.get("description_placeholders") or {})}
        step = f"{path}.step.{result.get('step_id')}"
        if path == "config" and "title_placeholders" in context:
            self._look("config.flow_title", context["title_placeholders"])
        match result["type"]:
            case FlowResultType.FORM:
                self._look(f"{step}.title", filled)
                self._look(f"{step}.description", filled, required=False)
                schema = result["data_schema"]
                for field in schema.schema if schema else ():
                    self._look(f"{step}.data.{field}", filled)
                    self._look(f"{step}.data_description.{field}", filled)
                for error in (result.get("errors") or {}).values():
                    self._look(f"{path}.error.{error}", filled)
            case FlowResultType.MENU:
                self._look(f"{step}.title", filled)
                self._look(f"{step}.description", filled, required=False)
                for option in result["menu_options"]:
                    self._look(f"{step}.menu_options.{option}", filled)
                    self._look(f"{step}.menu_option_descriptions.{option}", filled)
            case FlowResultType.SHOW_PROGRESS:
                self._look(f"{step}.title", filled)
                self._look(f"{path}.progress.{result['progress_action']}", filled)
            case FlowResultType.ABORT if "translation_domain" not in result:
                self._look(f"{path}.abort.{result['reason']}", filled)

    def _look_at_issue(self, issue: ir.IssueEntry) -> None:
        path = f"issues.{issue.translation_key}"
        filled = issue.translation_placeholders or {}
        self._look(f"{path}.title", filled)
        if not issue.is_fixable:
            self._look(f"{path}.description", filled)

    def _look(
        self, path: str, filled: Mapping[str, object], *, required: bool = True
    ) -> None:
        text: Any = _ENGLISH
        for key in path.split("."):
            text = text.get(key, {})
        if not isinstance(text, str):
            if required:
                self.missing.append(path)
        elif lacking := placeholders(text) - filled.keys():
            self.missing.append(f"{path}: {lacking}")


def _path_of(flow: FlowHandler[Any, Any, Any]) -> tuple[str, Mapping[str, str]]:
    """Return where the texts of a dialog of ours are, and what all of them fill in."""
    match flow:
        case RepairsFlow(handler=handler) if handler == DOMAIN:
            if issue := ir.async_get(flow.hass).async_get_issue(DOMAIN, flow.issue_id):
                filled = issue.translation_placeholders or {}
                return f"issues.{issue.translation_key}.fix_flow", filled
        case OptionsFlow():
            entry = flow.hass.config_entries.async_get_entry(flow.handler)
            if entry and entry.domain == DOMAIN:
                return "options", {}
        case ConfigFlow(handler=handler) if handler == DOMAIN:
            return "config", {}
    return "", {}
