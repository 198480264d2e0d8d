"""Repairs lead somewhere, and are gone with their cause or their entry."""

from typing import Any

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryDisabler
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import SignIn, settle
from tests.flows import answer_repair, open_repair
from tests.journeys.journey import HOUR, MINUTE, Journey
from tests.simulator import PROFILES, SimulatedPlexTv


@pytest.fixture
async def guest(new_home: Journey) -> Journey:
    """Return an entry that was set up with the token of a guest."""
    new_home.update(token=new_home.plex.shared_token)
    await new_home.set_up()
    return new_home


async def test_the_repair_of_a_guests_token_ends_in_a_loaded_entry_by_sign_in(
    tv: SimulatedPlexTv, guest: Journey, sign_in: SignIn
) -> None:
    url = guest.entry.data[CONF_URL]
    assert guest.is_retried()
    tv.add_server(guest.plex)

    flows = guest.hass.config_entries.flow
    dialog = await guest.follow("not_owner")
    assert dialog["context"]["title_placeholders"] == {"name": "Attic"}
    assert dialog["step_id"] == "reauth_not_owner"
    result = await sign_in(await flows.async_configure(dialog["flow_id"]))
    assert result["reason"] == "reauth_successful"

    guest.expect_healthy()
    assert guest.entry.data[CONF_TOKEN] == guest.plex.token
    assert guest.entry.data[CONF_URL] == url


@pytest.mark.parametrize(
    "profile",
    [PROFILES["current"].with_traits(not_owner_status=status) for status in (401, 403)],
)
async def test_every_look_at_a_repair_leads_to_the_same_dialog_which_goes_with_its_cause(
    guest: Journey,
) -> None:
    assert guest.entry.error_reason_translation_key == "not_owner"
    # What is refused is no token that was revoked, so no dialog opens by itself.
    await guest.pass_minutes(10)
    assert guest.dialogs() == []
    # Where nothing answers, nothing is known of the token.
    guest.plex.fault("503", count=None)
    await guest.pass_minutes(12)
    assert guest.repairs() == {"not_owner"}
    guest.plex.clear_faults()

    first = await guest.follow("not_owner")
    await guest.pass_minutes(12)
    opened = await open_repair(guest.hass, "not_owner")
    again = await guest.follow("not_owner")
    assert again["flow_id"] == first["flow_id"]
    (dialog,) = guest.dialogs()
    assert dialog["context"]["source"] == SOURCE_REAUTH
    assert dialog["context"]["unique_id"] == guest.entry.unique_id

    guest.update(token=guest.plex.token)
    await guest.pass_minutes(20)
    guest.expect_healthy()

    # What is submitted after its cause has gone opens nothing.
    result = await answer_repair(guest.hass, opened, {})
    assert result["reason"] == "outdated"
    assert guest.dialogs() == []


async def test_a_dialog_never_explains_a_cause_that_was(home: Journey) -> None:
    home.expect_log("not belong to the owner")
    plex, good = home.plex, home.plex.token

    async def says() -> list[str]:
        """Return what the open dialogs say when somebody looks at them."""
        configure = home.hass.config_entries.flow.async_configure
        opened = [await configure(it["flow_id"]) for it in home.dialogs()]
        return [it["step_id"] for it in opened]

    plex.fault("403", count=None, path="/butler")
    await home.pass_minutes(20)
    await home.follow("not_owner")
    assert await says() == ["reauth_not_owner"]

    # The guest's token is revoked, and later good again, but still a guest's.
    plex.token = "another"
    await home.pass_minutes(20)
    assert home.repairs() == set()
    assert await says() == ["reauth_confirm"]

    plex.token = good
    await home.pass_minutes(61)
    assert home.repairs() == {"not_owner"}
    assert await says() == []
    await home.follow("not_owner")
    assert await says() == ["reauth_not_owner"]

    # It becomes its owner's, and a refusal is tried as soon as if it were the first.
    plex.clear_faults()
    plex.token = "another"
    await home.pass_minutes(1)
    plex.token = good
    await home.pass_minutes(2)
    home.expect_healthy()


@pytest.mark.parametrize("cause", ["guest", "refused"])
async def test_an_entry_that_is_removed_while_broken_leaves_nothing(
    guest: Journey, hass_storage: dict[str, Any], cause: str
) -> None:
    hass, entry_id = guest.hass, guest.entry.entry_id
    repair = await open_repair(guest.hass, "not_owner")
    if cause == "guest":
        await guest.follow("not_owner")
    else:
        guest.update(token="revoked")
    await guest.pass_minutes(20)
    assert guest.is_retried()
    assert len(guest.dialogs()) == 1
    assert guest.repairs() == ({"not_owner"} if cause == "guest" else set())

    await hass.config_entries.async_remove(entry_id)
    await settle(hass)
    assert guest.repairs() == set()
    assert guest.dialogs() == []
    result = await answer_repair(hass, repair, {})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "outdated"
    guest.plex.requests.clear()
    await guest.pass_minutes(10)
    assert guest.plex.requests == []
    assert guest.repairs() == set()
    assert [key for key in hass_storage if entry_id in key] == []
    ours = {key: value for key, value in hass.data.items() if DOMAIN in str(key)}
    assert entry_id not in repr(ours)


@pytest.mark.usefixtures("all_entities_enabled")
@pytest.mark.parametrize("while_loaded", [True, False])
async def test_a_disabled_entry_shows_no_repair_and_remembers_its_runs(
    home: Journey, hass_storage: dict[str, Any], *, while_loaded: bool
) -> None:
    entries, entry_id = home.hass.config_entries, home.entry.entry_id
    home.begins("BackupDatabase", MINUTE)
    await home.advance(1)
    await home.pass_minutes(2)
    assert home.last_result == "ended"
    home.plex.fault("403", count=None, path="/butler")
    if while_loaded:
        home.expect_log("not belong to the owner")
        await home.advance(HOUR + 1)
    else:
        await home.reload()
    await home.follow("not_owner")
    await home.advance_steps(15, 20)
    assert len(home.repairs()) == len(home.dialogs()) == 1

    await entries.async_set_disabled_by(entry_id, ConfigEntryDisabler.USER)
    await settle(home.hass)
    assert home.repairs() == set()
    assert home.dialogs() == []
    assert [key for key in hass_storage if entry_id in key]

    home.plex.clear_faults()
    await entries.async_set_disabled_by(entry_id, None)
    await home.pass_by(1)
    await settle(home.hass)
    assert (await home.tasks())["BackupDatabase"]["last_run"]["result"] == "ended"
