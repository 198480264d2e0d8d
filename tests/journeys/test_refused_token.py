"""A server refuses the token: for a moment, or until a person brings another one."""

from collections import Counter

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import (
    ATTR_ENTITY_ID,
    CONF_TOKEN,
    STATE_OFF,
    STATE_UNAVAILABLE,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import Advance, settle
from tests.flows import choose, repairs, submit, typed
from tests.journeys.whereabouts import BACKUP, state, state_of
from tests.simulator import PROFILES, SimulatedPlex

MINUTE = 60
HOUR = 60 * MINUTE
STREAM = "/:/websockets/notifications"


def dialogs(hass: HomeAssistant) -> list[dict[str, object]]:
    return [dict(it["context"]) for it in hass.config_entries.flow.async_progress()]


def with_token(plex: SimulatedPlex) -> Counter[str]:
    """Return how often each path was asked for with a token."""
    return Counter(it.path for it in plex.requests if "X-Plex-Token" in it.headers)


async def pass_time(advance: Advance, seconds: float) -> None:
    """Let time go by in steps that no timer leaps over."""
    while seconds > 0:
        await advance(min(seconds, 5))
        seconds -= 5


@pytest.mark.parametrize("seconds", [45, MINUTE])
async def test_a_refusal_after_a_power_cut_heals_within_two_minutes_without_a_person(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    advance: Advance,
    seconds: int,
) -> None:
    good, plex.token = plex.token, "another"
    plex.fault("503", count=3)
    await hass.config_entries.async_setup(entry.entry_id)
    assert state_of(entry) is ConfigEntryState.SETUP_RETRY
    await pass_time(advance, seconds)
    assert state_of(entry) is ConfigEntryState.SETUP_RETRY

    plex.token = good
    await pass_time(advance, 2 * MINUTE)

    assert state_of(entry) is ConfigEntryState.LOADED
    assert state(hass) == STATE_OFF
    assert dialogs(hass) == []
    assert len(plex.hub.sockets) == 1


async def test_a_refusal_of_a_minute_at_work_heals_within_two_minutes_without_a_person(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("does not accept the token")
    await pass_time(advance, 2 * MINUTE)
    plex.hub.drop()
    good, plex.token = plex.token, "another"
    await pass_time(advance, 90)
    assert state(hass) == STATE_UNAVAILABLE

    plex.token = good
    await pass_time(advance, 2 * MINUTE)

    assert state(hass) == STATE_OFF
    assert dialogs(hass) == []
    assert len(plex.hub.sockets) == 1


async def test_a_revoked_token_is_sent_ever_more_rarely_while_its_owner_is_waited_for(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("does not accept the token")
    await pass_time(advance, 2 * MINUTE)
    good, plex.token = plex.token, "another"
    plex.hub.drop()
    plex.requests.clear()
    await pass_time(advance, 5 * MINUTE)
    # One handshake and one poll find out, then come the four tries.
    assert with_token(plex)[STREAM] <= 1
    assert with_token(plex).total() <= 8

    await pass_time(advance, 2 * MINUTE)
    (dialog,) = dialogs(hass)
    assert dialog["source"] == SOURCE_REAUTH
    assert dialog["unique_id"] == plex.machine_identifier
    assert dialog["title_placeholders"] == {"name": "Attic"}

    plex.requests.clear()
    await pass_time(advance, 3 * HOUR)
    assert with_token(plex) == {"/": 3}
    assert len(dialogs(hass)) == 1
    assert not plex.hub.sockets

    plex.token = good
    await pass_time(advance, HOUR + MINUTE)
    assert state(hass) == STATE_OFF
    assert dialogs(hass) == []
    assert not [
        issue
        for issue in ir.async_get(hass).issues.values()
        if issue.translation_key == "config_entry_reauth"
    ]
    assert len(plex.hub.sockets) == 1


@pytest.mark.parametrize("way", ["a reload", "its owner"])
async def test_a_refused_token_is_tried_by_a_reload_and_replaced_by_its_owner_at_once(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    advance: Advance,
    way: str,
) -> None:
    old, plex.token = plex.token, "new"
    await hass.config_entries.async_setup(entry.entry_id)
    await pass_time(advance, 10 * MINUTE)
    (flow,) = hass.config_entries.flow.async_progress()
    plex.requests.clear()
    await pass_time(advance, 20 * MINUTE)
    assert with_token(plex).total() == 0

    if way == "a reload":
        plex.token = old
        await hass.config_entries.async_reload(entry.entry_id)
    else:
        dialog = await hass.config_entries.flow.async_configure(flow["flow_id"])
        result = await choose(hass, dialog, "reauth_token")
        result = await submit(hass, result, {CONF_TOKEN: old})
        assert result["errors"] == {"base": "invalid_auth"}
        result = await submit(hass, result, {CONF_TOKEN: "new"})
        assert result["reason"] == "reauth_successful"
    await settle(hass)
    assert entry.data == typed(plex)
    assert state_of(entry) is ConfigEntryState.LOADED
    assert state(hass) == STATE_OFF
    assert dialogs(hass) == []


@pytest.mark.parametrize("status", ["401", "403"])
@pytest.mark.parametrize("path", ["/", "/activities"])
async def test_what_a_firewall_refuses_is_an_outage_and_no_question_of_the_token(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
    path: str,
    status: str,
) -> None:
    expected_logs.append("refused")
    await pass_time(advance, 2 * MINUTE)
    plex.fault(status, count=None, path=path)
    await advance(76)
    plex.fault(status, count=None)
    await pass_time(advance, 10 * MINUTE)
    assert state(hass) == STATE_UNAVAILABLE
    assert dialogs(hass) == []
    assert repairs(hass) == {}

    plex.clear_faults()
    await pass_time(advance, MINUTE)

    assert state(hass) == STATE_OFF


async def test_a_firewall_that_refuses_commands_alone_says_nothing_of_the_owner(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    for method in ("POST", "DELETE"):
        plex.fault("403", count=None, path="/butler", method=method)
    for domain, action, data in (
        ("switch", "turn_on", {ATTR_ENTITY_ID: BACKUP}),
        ("switch", "turn_off", {ATTR_ENTITY_ID: BACKUP}),
        (DOMAIN, "start_all_tasks", {}),
        (DOMAIN, "stop_all_tasks", {}),
    ):
        with pytest.raises(HomeAssistantError) as error:
            await hass.services.async_call(domain, action, data, blocking=True)
        assert error.value.translation_key == "forbidden"
    await pass_time(advance, 10 * MINUTE)
    assert state(hass) == STATE_OFF
    assert repairs(hass) == {}

    plex.clear_faults()
    await hass.services.async_call(
        "switch", "turn_on", {ATTR_ENTITY_ID: BACKUP}, blocking=True
    )
    assert plex.truth()["BackupDatabase"] == "running"


@pytest.mark.parametrize(
    "profile",
    [PROFILES["current"].with_traits(not_owner_status=status) for status in (401, 403)],
)
async def test_the_token_of_a_guest_is_no_revoked_one(
    hass: HomeAssistant, plex: SimulatedPlex, entry: MockConfigEntry, advance: Advance
) -> None:
    shared = typed(plex, **{CONF_TOKEN: plex.shared_token})
    hass.config_entries.async_update_entry(entry, data=shared)
    await hass.config_entries.async_setup(entry.entry_id)
    await pass_time(advance, 10 * MINUTE)
    assert entry.error_reason_translation_key == "not_owner"
    assert dialogs(hass) == []
    assert repairs(hass).keys() == {"not_owner"}

    hass.config_entries.async_update_entry(entry, data=typed(plex))
    await pass_time(advance, 2 * MINUTE)
    assert state_of(entry) is ConfigEntryState.LOADED
    assert repairs(hass) == {}
