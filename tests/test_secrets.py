"""A token is in its header and in the entry, and nowhere else; it would be noticed.

Every test with a Home Assistant is followed by the same search: see `_no_leaks`.
"""

from collections.abc import Iterator
import json
from typing import Any

import aiohttp
from homeassistant.const import CONF_TOKEN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.json import ExtendedJSONEncoder
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)

from custom_components.plex_butler.const import DOMAIN, LOGGER
from custom_components.plex_butler.diagnostics import async_get_config_entry_diagnostics
from custom_components.plex_butler.repairs import NOT_OWNER, _raise
from tests.conftest import Advance, settle
from tests.leaks import SECRETS, Leaks, has_secret
from tests.simulator import SimulatedPlex


@pytest.fixture
def noticed(leaks: Leaks) -> Iterator[list[str]]:
    """Return what the search has found; here it is meant to find something."""
    yield leaks.found
    assert leaks.found
    leaks.found.clear()


@pytest.mark.parametrize("token", SECRETS)
@pytest.mark.parametrize("expected_logs", [["Something went wrong"]])
def test_a_token_in_the_log_would_be_noticed(noticed: list[str], token: str) -> None:
    LOGGER.debug("Asking with %s", token)
    LOGGER.getChild("push").info("Asking with %s", {"headers": [token]})
    try:
        try:
            int(token)
        except ValueError as err:
            raise LookupError("no such thing") from err
    except LookupError:
        LOGGER.exception("Something went wrong")

    assert len(noticed) == 3
    assert all(line.startswith(f"log of {LOGGER.name}") for line in noticed)
    assert "Traceback" in noticed[2]


@pytest.mark.parametrize(
    ("state", "attributes"),
    [(SECRETS[0], {}), ("on", {"url": f"http://attic/?X-Plex-Token={SECRETS[0]}"})],
)
async def test_a_token_in_a_state_would_be_noticed_though_it_is_gone(
    hass: HomeAssistant, noticed: list[str], state: str, attributes: dict[str, str]
) -> None:
    hass.states.async_set("sensor.attic", state, attributes)
    hass.states.async_set("sensor.attic", "on")
    await hass.async_block_till_done()

    assert any(line.startswith("state") for line in noticed)


async def test_a_token_in_a_repair_would_be_noticed(
    hass: HomeAssistant, entry: MockConfigEntry, leaks: Leaks, noticed: list[str]
) -> None:
    hass.config_entries.async_update_entry(entry, title=SECRETS[0])
    _raise(hass, entry, NOT_OWNER)

    leaks.look_at_issues(ir.async_get(hass).issues.values())

    assert any(line.startswith("repair") for line in noticed)
    # The search that follows every test would find it again.
    ir.async_get(hass).issues.clear()


@pytest.mark.parametrize(
    "asked",
    [
        {"params": {"X-Plex-Token": SECRETS[0]}},
        {"headers": {"Authorization": SECRETS[0]}},
    ],
)
async def test_a_token_in_any_other_part_of_a_request_would_be_noticed(
    plex: SimulatedPlex, noticed: list[str], asked: dict[str, Any]
) -> None:
    async with aiohttp.ClientSession() as session:
        await session.get(f"{plex.url}/butler", **asked)
    plex.requests.clear()

    assert any(line.startswith("request") for line in noticed)


async def test_a_token_in_its_header_is_in_its_place(
    plex: SimulatedPlex, leaks: Leaks
) -> None:
    async with aiohttp.ClientSession() as session:
        await session.get(f"{plex.url}/butler", headers={"x-plex-token": plex.token})

    assert plex.requests[-1].status == 200
    assert leaks.found == []


async def test_diagnostics_have_no_token_after_a_life_of_a_server(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.client_start("BackupDatabase")
    plex.noise.scan(20)
    await advance(31)

    diagnostics = await async_get_config_entry_diagnostics(hass, loaded)
    text = json.dumps(diagnostics, cls=ExtendedJSONEncoder)

    # It was there to be found.
    assert loaded.data[CONF_TOKEN] == plex.token
    assert [it for it in diagnostics["record"] if "frame" in it]
    assert not has_secret(text)


async def test_a_token_that_is_not_the_owners_is_no_less_secret(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    leaks: Leaks,
) -> None:
    data = {**entry.data, CONF_TOKEN: plex.shared_token}
    hass.config_entries.async_update_entry(entry, data=data)

    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)

    issues = ir.async_get(hass).issues.values()
    assert any(issue.domain == DOMAIN for issue in issues)
    leaks.look_at_issues(issues)
    assert leaks.found == []
