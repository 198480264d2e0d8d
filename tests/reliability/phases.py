"""What an entry is at when a fault begins."""

import asyncio
from collections.abc import Awaitable, Callable
from copy import deepcopy
from typing import Any, Final

from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_test_home_assistant,
)

from custom_components.plex_butler.const import DOMAIN
from tests.flows import begin, typed
from tests.reliability.home import LASTS, MINUTE, SWITCH, TASK, FaultyHome

# Long enough for every fault to be over
_RUN: Final = 15 * MINUTE

type Phase = Callable[[FaultyHome], Awaitable[None]]


async def _flow(home: FaultyHome) -> None:
    hass = home.hass
    await hass.config_entries.async_remove(home.entry.entry_id)
    form, data = await begin(hass), typed(home.plex)

    async def submit() -> Any:
        return await hass.config_entries.flow.async_configure(form["flow_id"], data)

    await home.begin()
    result = await home.during(submit())
    await home.let_pass(LASTS)
    await home.end()
    if result["type"] is FlowResultType.FORM:
        assert result["errors"]
        result = await home.during(submit())
    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    (home.entry,) = hass.config_entries.async_entries(DOMAIN)
    await home.be_well()
    assert not home.told


async def _set_up(home: FaultyHome) -> None:
    await home.begin()
    await home.set_up()
    await home.let_pass(LASTS)
    await home.end()
    await home.be_well()
    assert not home.told


async def _idle(home: FaultyHome) -> None:
    await home.set_up()
    await home.let_pass(MINUTE)
    await home.last()
    await home.be_well()
    assert not home.told


async def _runs(home: FaultyHome) -> None:
    """Set the entry up, and let a run be seen."""
    await home.set_up()
    await home.let_pass(MINUTE)
    home.begins(TASK, _RUN)
    await home.let_pass(MINUTE)
    home.expect_truth()


async def _running(home: FaultyHome) -> None:
    await _runs(home)
    await home.last()
    await home.be_well()
    await home.expect_end()


async def _command(home: FaultyHome) -> None:
    await home.set_up()
    await home.let_pass(MINUTE)
    # What a server answers to a start is believed until it has shown a run.
    home.begins(TASK, MINUTE / 2)
    await home.let_pass(MINUTE)
    assert home.told == [f"started {TASK}", f"ended {TASK}"]
    home.plex.durations[TASK] = _RUN

    async def turn_on() -> None:
        try:
            await home.turn_on(SWITCH)
        except HomeAssistantError as err:
            assert err.translation_key  # noqa: PT017 no error is fine as well

    # What is abrupt comes while the answer is waited for.
    home.plex.hangs = home.fault.abrupt
    if not home.fault.abrupt:
        await home.begin()
    call = asyncio.create_task(turn_on())
    await home.let_pass(2)
    if home.fault.abrupt:
        await home.begin()
        home.plex.hangs = False
    await home.let_pass(LASTS)
    assert call.done()
    await call
    await home.end()
    await home.be_well()
    assert home.told.count(f"ended {TASK}") == 1


async def _waiting(home: FaultyHome) -> None:
    await home.set_up()
    await home.let_pass(MINUTE)
    home.plex.durations[TASK] = _RUN
    call = asyncio.create_task(home.answer("start_task", task=TASK, wait=True))
    await home.let_pass(MINUTE)
    await home.last()
    await home.be_well()
    await home.expect_end()
    await home.let_pass(5 * MINUTE)
    (told,) = await call
    assert told["result"] == ("unconfirmed" if home.fault.kills else "ended")


async def _reconnecting(home: FaultyHome) -> None:
    await _runs(home)
    home.outages += 1
    await home.plex.go_away(45)
    await home.let_pass(45)
    await home.last()
    await home.be_well()
    await home.expect_end()


async def _unloading(home: FaultyHome) -> None:
    await _runs(home)
    await home.begin()
    # A poll may be under way.
    await home.let_pass(12)
    await home.during(home.hass.config_entries.async_unload(home.entry.entry_id))
    await home.expect_nothing_left()
    await home.let_pass(LASTS)
    await home.end()
    await home.set_up()
    await home.be_well()
    await home.expect_end()


async def _stopping(home: FaultyHome) -> None:
    await _runs(home)
    await home.begin()
    await home.let_pass(12)
    await home.during(home.hass.async_stop())
    # Home Assistant unloads nothing at its end. What goes on until the process ends is
    # ended here, but without a word to what was kept.
    kept = deepcopy(home.storage)
    await home.during(home.hass.config_entries.async_unload(home.entry.entry_id))
    home.storage.update(kept)
    await home.expect_nothing_left()
    await home.let_pass(LASTS)
    await home.end()
    first: Any = home.entry
    # As the next Home Assistant reads it
    names = ("entry_id", "title", "unique_id", "data", "options", "version")
    kept_entry = {name: getattr(first, name) for name in names}
    async with async_test_home_assistant() as hass:
        del hass.data[DATA_CUSTOM_COMPONENTS]
        home.hass, home.entry = hass, MockConfigEntry(domain=DOMAIN, **kept_entry)
        home.entry.add_to_hass(hass)
        home.listen()
        await home.set_up()
        await home.be_well()
        await home.expect_end()
        await home.during(hass.config_entries.async_unload(first.entry_id))
        await home.expect_nothing_left()
        await home.during(hass.async_stop(force=True))


PHASES: Final[dict[str, Phase]] = {
    "dialog": _flow,
    "set-up": _set_up,
    "idle": _idle,
    "running": _running,
    "command": _command,
    "waiting": _waiting,
    "reconnecting": _reconnecting,
    "unloading": _unloading,
    "stopping": _stopping,
}
# There is no such cell: the dialog opens no WebSocket, and the log is only open while a
# task runs or may begin.
CANNOT_HAPPEN: Final = {
    *(
        (fault, "dialog")
        for fault in (
            "sockets dropped",
            "half-open WebSocket",
            "WebSocket breaks after a frame",
            "WebSocket breaks after pings",
            "502 to WebSockets alone",
        )
    ),
    *(("flood of the log", it) for it in ("dialog", "set-up", "idle")),
}
