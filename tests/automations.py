"""Automations in tests: one that notes what triggers it, and what names a server."""

from datetime import datetime
from typing import Any

from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import condition, trigger
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_mock_service

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import Home
from tests.simulator import SimulatedPlex

GUIDES = "RefreshEpgGuides"
TARGET_KEYS = ("entity_id", "device_id", "area_id", "floor_id", "label_id", "exclude")

# What our triggers may bring
KEYS = (
    *("platform", "description", "device_id", "server", "name", "key", "task"),
    *("result", "evidence", "started_at", "ended_at", "duration"),
)


def split(about: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return target and options of a trigger or a condition."""
    target = {key: about[key] for key in TARGET_KEYS if key in about}
    options = {key: value for key, value in about.items() if key not in target}
    parts = {"target": target, "options": options}
    return {name: part for name, part in parts.items() if part}


async def automate(
    hass: HomeAssistant,
    name: str,
    *,
    conditions: list[dict[str, Any]] | None = None,
    **about: Any,
) -> list[ServiceCall]:
    """Return the calls of an automation with a trigger of ours, to be filled."""
    calls: list[ServiceCall] = async_mock_service(hass, "test", "note")
    told = {key: f"{{{{ trigger.{key} | default(none) }}}}" for key in KEYS}
    config = {
        "alias": "Noted",
        "triggers": {"trigger": f"{DOMAIN}.{name}", **split(about)},
        "conditions": conditions or [],
        "actions": {"action": "test.note", "data": told},
    }
    assert await async_setup_component(hass, "automation", {"automation": config})
    await hass.async_block_till_done()
    return calls


def noted(calls: list[ServiceCall], *keys: str) -> list[tuple[Any, ...]]:
    """Return parts of what the triggers brought."""
    return [tuple(call.data[key] for key in keys) for call in calls]


def plex_now(plex: SimulatedPlex) -> datetime:
    """Return the time by the server's clock."""
    return dt_util.utc_from_timestamp(plex.clock.now())


async def open_window(home: Home) -> str:
    """Open the window by both clocks; return a task that is queued when started now."""
    # They do not show the same hour
    hours = {dt_util.now().hour, plex_now(home.plex).hour}
    home.plex.set_preference("ButlerStartHour", min(hours))
    home.plex.set_preference("ButlerEndHour", (max(hours) + 1) % 24)
    home.plex.client_stop(GUIDES)
    await home.advance(2)
    return GUIDES


async def queue_guides(home: Home) -> str:
    """Start a task that is only queued, and return its name."""
    guides = await open_window(home)
    await home.call("start_task", guides)
    assert home.plex.truth()[guides] == "queued"
    return guides


async def validated(hass: HomeAssistant, name: str, **about: Any) -> Any:
    """Return a trigger of ours as Home Assistant takes it."""
    await async_setup_component(hass, "automation", {})
    config = {"platform": f"{DOMAIN}.{name}", **split(about)}
    return await trigger.async_validate_trigger_config(hass, [config])


async def check(hass: HomeAssistant, name: str, **about: Any) -> bool | None:
    """Return whether a condition of ours is fulfilled."""
    await async_setup_component(hass, "automation", {})
    config = await condition.async_validate_condition_config(
        hass, {"condition": f"{DOMAIN}.{name}", **split(about)}
    )
    checker = await condition.async_from_config(hass, config)
    try:
        return checker.async_check()
    finally:
        checker.async_unload()
