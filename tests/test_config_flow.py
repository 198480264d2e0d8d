"""Adding a server and changing it, from what is pasted into a form to the entry."""

from typing import Any

from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntryState
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from tests.flows import Dialog, announce, begin, choices, core_entry, menu, typed
from tests.simulator import ManualClock, Names, SimulatedPlex

pytestmark = pytest.mark.usefixtures("socket_enabled")


async def test_url_and_token_make_an_entry(dialog: Dialog, plex: SimulatedPlex) -> None:
    await dialog.add()

    assert dialog.result["title"] == plex.name
    assert dialog.result["data"] == typed(plex)
    assert dialog.result["result"].unique_id == plex.machine_identifier
    assert dialog.hass.states.get("switch.attic_butler_back_up_database")


async def test_a_server_without_a_name_gets_one(hass: HomeAssistant) -> None:
    async with SimulatedPlex(name="", clock=ManualClock()) as plex:
        dialog = Dialog(hass, plex)
        await dialog.add()

        assert dialog.result["title"] == "Plex Media Server"
        assert hass.states.get("switch.plex_media_server_butler_back_up_database")


@pytest.mark.parametrize(
    ("fault", "path", "error"),
    [
        ("refuse", "/", "hung_up"),
        ("cut", "/", "cannot_connect"),
        ("503", "/", "maintenance"),
        ("garbage", "/", "invalid_response"),
        ("wrong-shape", "/identity", "invalid_response"),
        ("404", "/butler", "invalid_response"),
        ("403", "/", "forbidden"),
        ("403", "/identity", "forbidden"),
        ("403", "/butler", "not_owner"),
        ("401", "/butler", "not_owner"),
    ],
)
async def test_what_goes_wrong_is_said_and_can_be_mended_in_the_same_dialog(
    dialog: Dialog, plex: SimulatedPlex, fault: str, path: str, error: str
) -> None:
    plex.fault(fault, count=None, path=path)
    await dialog.add(error)
    assert dialog.shown == typed(plex)
    if path == "/identity":
        # What may be no Plex server gets no token.
        assert all("X-Plex-Token" not in it.headers for it in plex.requests)

    plex.clear_faults()
    await dialog.create()


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({CONF_TOKEN: "wrong"}, {"base": "invalid_auth"}),
        ({CONF_TOKEN: ""}, {CONF_TOKEN: "token_missing"}),
        ({CONF_URL: "https://app.plex.tv/desktop"}, {CONF_URL: "plex_site"}),
        ({CONF_TOKEN: "http://box:32400/web"}, {CONF_TOKEN: "token_missing"}),
        ({CONF_TOKEN: "a\nb"}, {"base": "invalid_auth"}),
        ({CONF_URL: "http://127.0.0.1:9"}, {"base": "refused"}),
        ({CONF_URL: "http://no.such.name.invalid:1"}, {"base": "cannot_resolve"}),
        (
            {CONF_URL: "ftp://attic", CONF_TOKEN: "claim-abc"},
            {CONF_URL: "invalid_url", CONF_TOKEN: "claim_code"},
        ),
    ],
)
async def test_what_was_typed_wrong_is_said_and_kept(
    dialog: Dialog, names: Names, wrong: dict[str, str], errors: dict[str, str]
) -> None:
    dialog.result = await begin(dialog.hass)
    await dialog.submit(typed(dialog.plex, **wrong))
    assert dialog.result["errors"] == errors
    assert dialog.shown == typed(dialog.plex, **wrong)

    await dialog.create()


async def test_a_server_is_added_once(dialog: Dialog, entry: MockConfigEntry) -> None:
    dialog.result = await begin(dialog.hass)
    await dialog.end("already_configured")


async def test_address_token_and_tls_setting_can_be_changed(
    dialog: Dialog, plex: SimulatedPlex, names: Names, loaded: MockConfigEntry
) -> None:
    await dialog.reconfigure(loaded)
    assert dialog.shown == typed(plex, token=None)
    elsewhere = {CONF_URL: "http://127.0.0.1:9", CONF_VERIFY_SSL: True}
    await dialog.fail("refused", elsewhere)

    url = plex.url.replace("127.0.0.1", "localhost")
    changed = {CONF_URL: url, CONF_VERIFY_SSL: False}
    await dialog.end("reconfigure_successful", changed)
    assert loaded.data == typed(plex, url=url, verify_ssl=False)


@pytest.mark.parametrize("known_as", ["ours", "plex", "card", "unknown"])
async def test_reconfiguring_to_another_server_says_which_one_before_its_token_is_tried(
    dialog: Dialog, cellar: SimulatedPlex, loaded: MockConfigEntry, known_as: str
) -> None:
    hass, plex = dialog.hass, dialog.plex
    if known_as == "card":
        await announce(hass, cellar.port, name="Cellar")
    elif known_as != "unknown":
        MockConfigEntry(
            domain=DOMAIN if known_as == "ours" else "plex",
            title="Cellar",
            unique_id=cellar.machine_identifier,
            source=SOURCE_IGNORE,
        ).add_to_hass(hass)
    cellar.requests.clear()
    await dialog.reconfigure(loaded)
    await dialog.fail("wrong_server", typed(cellar, token="wrong"))

    name = "Plex Media Server" if known_as == "unknown" else "Cellar"
    found = f"{name} ({cellar.machine_identifier[:8]})"
    assert dialog.placeholders["found"] == found
    expected = f"Attic ({plex.machine_identifier[:8]})"
    assert dialog.placeholders["expected"] == expected
    assert [request.path for request in cellar.requests] == ["/identity"]

    await dialog.end("reconfigure_successful")
    assert loaded.data == typed(plex)


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({"token": "old", "verify_ssl": False}, "invalid_auth"),
        ({"url": "http://[::1"}, "invalid_url"),
    ],
)
async def test_a_copy_that_does_not_work_says_why_and_can_be_changed(
    dialog: Dialog, plex: SimulatedPlex, config: dict[str, Any], error: str
) -> None:
    theirs = core_entry(plex, **config)
    theirs.add_to_hass(dialog.hass)
    dialog.result = await begin(dialog.hass, "plex")
    await dialog.fail(error, {"server": theirs.entry_id}, "address")
    assert dialog.placeholders["name"] == "Attic of the core"
    # Their token is used, not shown.
    shown = {CONF_URL: plex.url, CONF_VERIFY_SSL: True}
    shown |= {key: config[key] for key in shown.keys() & config.keys()}
    assert dialog.shown == {**shown, CONF_TOKEN: None}

    # Left as it was, it is no better.
    await dialog.fail(error, shown)
    changed = {**shown, CONF_URL: plex.url, CONF_TOKEN: plex.token}
    await dialog.create(changed)
    assert dialog.result["data"] == changed


async def test_servers_of_the_plex_integration_are_told_apart_and_copied(
    dialog: Dialog, plex: SimulatedPlex
) -> None:
    first = core_entry(plex, verify_ssl=False)
    second = core_entry(plex, url="http://cellar:1")
    for theirs in (first, second):
        theirs.add_to_hass(dialog.hass)
    dialog.result = await begin(dialog.hass, "plex")
    assert choices(dialog.result) == {
        first.entry_id: f"Attic of the core ({plex.url})",
        second.entry_id: "Attic of the core (http://cellar:1)",
    }
    await dialog.hass.config_entries.async_remove(second.entry_id)

    await dialog.submit({"server": second.entry_id})
    assert choices(dialog.result) == {first.entry_id: "Attic of the core"}
    await dialog.create({"server": first.entry_id})
    assert dialog.result["data"] == typed(plex, verify_ssl=False)
    assert first.state is ConfigEntryState.NOT_LOADED


@pytest.mark.parametrize("way", ["plex", "manual"])
async def test_a_server_that_was_ignored_can_be_added_by_hand(
    dialog: Dialog, plex: SimulatedPlex, way: str
) -> None:
    theirs = core_entry(plex)
    theirs.add_to_hass(dialog.hass)
    MockConfigEntry(
        domain=DOMAIN, source=SOURCE_IGNORE, unique_id=plex.machine_identifier
    ).add_to_hass(dialog.hass)
    dialog.result = await begin(dialog.hass, way)
    await dialog.create({"server": theirs.entry_id} if way == "plex" else None)

    # It takes the place of what was ignored.
    added = dialog.result["result"]
    assert dialog.hass.config_entries.async_entries(DOMAIN) == [added]
    assert added.state is ConfigEntryState.LOADED


@pytest.mark.parametrize("why", ["none", "added", "unusable"])
async def test_nothing_is_offered_for_copying_where_there_is_nothing(
    hass: HomeAssistant, plex: SimulatedPlex, entry: MockConfigEntry, why: str
) -> None:
    if why == "added":
        core_entry(plex).add_to_hass(hass)
    if why == "unusable":
        MockConfigEntry(domain="plex", data={}).add_to_hass(hass)

    assert (await menu(hass))["menu_options"] == ["sign_in", "manual"]


async def test_a_server_whose_card_is_open_can_be_added_by_hand(
    hass: HomeAssistant, plex: SimulatedPlex, dialog: Dialog
) -> None:
    await announce(hass, plex.port)
    assert len(hass.config_entries.flow.async_progress()) == 1

    await dialog.add()
    assert hass.config_entries.flow.async_progress() == []


async def test_a_new_token_must_be_entered_and_may_be_pasted_with_its_name(
    dialog: Dialog, entry: MockConfigEntry
) -> None:
    await dialog.reauth(entry)
    await dialog.submit({CONF_TOKEN: " "})
    assert dialog.result["errors"] == {CONF_TOKEN: "token_missing"}

    pasted = f" X-Plex-Token: {dialog.plex.token}\n"
    await dialog.end("reauth_successful", {CONF_TOKEN: pasted})
    assert entry.data == typed(dialog.plex)


async def test_a_token_in_a_pasted_address_is_kept_apart_and_newer_than_the_hidden_one(
    dialog: Dialog, plex: SimulatedPlex
) -> None:
    dialog.result = await begin(dialog.hass)
    first = {CONF_URL: f"{plex.url}/?X-Plex-Token=old", CONF_VERIFY_SSL: False}
    await dialog.fail("invalid_auth", first)
    shown = {CONF_URL: plex.url, CONF_TOKEN: "old", CONF_VERIFY_SSL: False}
    assert dialog.shown == shown

    pasted = f"{plex.url}/library/metadata/1?X-Plex-Token={plex.token}"
    await dialog.create({**shown, CONF_URL: pasted})
    assert dialog.result["data"] == typed(plex, verify_ssl=False)


@pytest.mark.parametrize("path", ["", ":80", "/"])
async def test_a_server_at_port_80_is_reconfigured_without_being_moved(
    dialog: Dialog, names: Names, entry: MockConfigEntry, path: str
) -> None:
    names.point("plex.example", dialog.plex.port)
    data = typed(dialog.plex, url=f"http://plex.example{path}")
    dialog.hass.config_entries.async_update_entry(entry, data=data)
    await dialog.reconfigure(entry)
    assert dialog.shown[CONF_URL] == "http://plex.example:80"

    unmoved = {CONF_URL: "http://plex.example:80", CONF_VERIFY_SSL: False}
    await dialog.end("reconfigure_successful", unmoved)
    assert entry.data == {**data, CONF_VERIFY_SSL: False}


async def test_a_prefix_that_looks_like_a_path_of_the_servers_stays_with_its_entry(
    dialog: Dialog, entry: MockConfigEntry
) -> None:
    async with SimulatedPlex(prefix="/media", clock=ManualClock()) as plex:
        data = typed(plex)
        dialog.hass.config_entries.async_update_entry(entry, data=data)
        await dialog.reconfigure(entry)
        unchanged = {CONF_URL: plex.url, CONF_VERIFY_SSL: True}
        await dialog.end("reconfigure_successful", unchanged)
        assert entry.data == data
