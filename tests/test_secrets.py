"""A token is in its header and in the entry, and nowhere else; it would be noticed.

Every test with a Home Assistant is followed by the same search: see `_no_leaks`.
"""

from collections import Counter
import json
from typing import Any

import aiohttp
from homeassistant.const import CONF_TOKEN
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.json import ExtendedJSONEncoder
import pytest

from custom_components.plex_butler.const import DOMAIN, LOGGER
from custom_components.plex_butler.diagnostics import async_get_config_entry_diagnostics
from tests.conftest import BACKUP, Home
from tests.leaks import SECRETS, Leaks, has_secret
from tests.simulator import SimulatedPlex


@pytest.mark.parametrize("token", SECRETS)
@pytest.mark.parametrize("expected_logs", [["Something went wrong"]])
async def test_a_token_would_be_noticed_wherever_it_is(
    home: Home, leaks: Leaks, token: str
) -> None:
    try:
        int(token)
    except ValueError:
        LOGGER.exception("Something went wrong")
    for state, attributes in ((token, {}), ("on", {"url": f"http://attic/{token}"})):
        home.hass.states.async_set("sensor.attic", state, attributes)
        # It is noticed though it is gone.
        home.hass.states.async_set("sensor.attic", "on")
    ir.async_create_issue(
        home.hass,
        DOMAIN,
        "told",
        is_fixable=True,
        severity=ir.IssueSeverity.ERROR,
        translation_key="not_owner",
        translation_placeholders={"name": token},
    )
    await home.settle()
    leaks.look_at_issues(ir.async_get(home.hass).issues.values())
    # The search that follows every test would find it again.
    ir.async_delete_issue(home.hass, DOMAIN, "told")
    asked: Any
    for asked in (
        {"params": {"X-Plex-Token": token}},
        {"headers": {"Authorization": token}},
    ):
        async with aiohttp.ClientSession() as session:
            await session.get(f"{home.plex.url}/butler", **asked)
    home.plex.requests.clear()

    where = Counter(line.partition(":")[0].split()[0] for line in leaks.found)
    assert where == {"log": 1, "state": 2, "repair": 1, "request": 2}
    leaks.found.clear()


async def test_a_token_in_its_header_is_in_its_place(
    plex: SimulatedPlex, leaks: Leaks
) -> None:
    async with aiohttp.ClientSession() as session:
        await session.get(f"{plex.url}/butler", headers={"x-plex-token": plex.token})

    assert plex.requests[-1].status == 200
    assert leaks.found == []


async def test_diagnostics_have_no_token_after_a_life_of_a_server(home: Home) -> None:
    home.plex.client_start(BACKUP)
    home.plex.noise.scan(20)
    await home.advance(31)

    diagnostics = await async_get_config_entry_diagnostics(home.hass, home.entry)
    text = json.dumps(diagnostics, cls=ExtendedJSONEncoder)

    # It was there to be found.
    assert home.entry.data[CONF_TOKEN] == home.plex.token
    assert [it for it in diagnostics["record"] if "frame" in it]
    assert not has_secret(text)


async def test_a_token_that_is_not_the_owners_is_no_less_secret(
    new_home: Home, leaks: Leaks
) -> None:
    data = {**new_home.entry.data, CONF_TOKEN: new_home.plex.shared_token}
    new_home.hass.config_entries.async_update_entry(new_home.entry, data=data)

    await new_home.set_up()

    issues = ir.async_get(new_home.hass).issues.values()
    assert any(issue.domain == DOMAIN for issue in issues)
    leaks.look_at_issues(issues)
    assert leaks.found == []
