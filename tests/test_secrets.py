"""A token is in its header and in the entry, and nowhere else; it would be noticed.

Every test with a Home Assistant is followed by the same search: see `_no_leaks`.
"""

from collections import Counter
from typing import Any

import aiohttp
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.plex_butler.const import DOMAIN, LOGGER
from tests.conftest import Home
from tests.leaks import SECRETS, Leaks


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
