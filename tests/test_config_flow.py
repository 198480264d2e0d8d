"""Adding a server, from the first form to the entry."""

from typing import Any

from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_USER,
    ConfigEntryState,
)
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from tests.flows import (
    add,
    announce,
    begin,
    choices,
    core_entry,
    is_created,
    submit,
    suggested,
    typed,
)
from tests.simulator import ManualClock, Names, SimulatedPlex
from tests.tls import Certificates

pytestmark = pytest.mark.usefixtures("socket_enabled")


async def test_url_and_token_make_an_entry(
    hass: HomeAssistant, plex: SimulatedPlex
) -> None:
    result = await add(hass, typed(plex))

    assert result["title"] == plex.name
    assert result["data"] == typed(plex)
    assert result["result"].unique_id == plex.machine_identifier
    assert hass.states.get("switch.attic_butler_back_up_database")


async def test_a_server_without_a_name_gets_one(hass: HomeAssistant) -> None:
    async with SimulatedPlex(name="", clock=ManualClock()) as plex:
        result = await add(hass, typed(plex))

        assert result["title"] == "Plex Media Server"
        assert hass.states.get("switch.plex_media_server_butler_back_up_database")


@pytest.mark.parametrize(
    ("fault", "path", "error"),
    [
        ("refuse", "/", "hung_up"),
        ("cut", "/", "cannot_connect"),
        ("503", "/", "maintenance"),
        ("garbage", "/", "invalid_response"),
        ("wrong-shape", "/identity", "invalid_response"),
        ("redirect", "/", "invalid_response"),
        ("404", "/identity", "invalid_response"),
        ("404", "/butler", "invalid_response"),
        ("403", "/", "forbidden"),
        ("403", "/identity", "forbidden"),
        ("403", "/butler", "not_owner"),
        ("401", "/butler", "not_owner"),
    ],
)
async def test_what_goes_wrong_is_said_and_can_be_mended_in_the_same_dialog(
    hass: HomeAssistant, plex: SimulatedPlex, fault: str, path: str, error: str
) -> None:
    plex.fault(fault, count=None, path=path)
    result = await add(hass, typed(plex))
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"base": error}
    assert suggested(result) == typed(plex)

    plex.clear_faults()
    result = await submit(hass, result, typed(plex))
    assert is_created(result)


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({CONF_TOKEN: "wrong"}, {"base": "invalid_auth"}),
        ({CONF_TOKEN: ""}, {CONF_TOKEN: "token_missing"}),
        ({CONF_TOKEN: "  "}, {CONF_TOKEN: "token_missing"}),
        ({CONF_URL: "ftp://attic"}, {CONF_URL: "invalid_url"}),
        ({CONF_URL: "https://app.plex.tv/desktop"}, {CONF_URL: "plex_site"}),
        ({CONF_URL: "http://box:0"}, {CONF_URL: "invalid_url"}),
        ({CONF_TOKEN: "claim-abcDEF123"}, {CONF_TOKEN: "claim_code"}),
        ({CONF_TOKEN: "https://app.plex.tv/desktop"}, {CONF_TOKEN: "plex_site"}),
        ({CONF_TOKEN: "http://box:32400/web"}, {CONF_TOKEN: "token_missing"}),
        ({CONF_TOKEN: "a\nb"}, {"base": "invalid_auth"}),
        ({CONF_TOKEN: "\0"}, {"base": "invalid_auth"}),
        ({CONF_TOKEN: "naïve"}, {"base": "invalid_auth"}),
        ({CONF_URL: "http://127.0.0.1:9"}, {"base": "refused"}),
        ({CONF_URL: "http://no.such.name.invalid:1"}, {"base": "cannot_resolve"}),
        (
            {CONF_URL: "ftp://attic", CONF_TOKEN: "claim-abc"},
            {CONF_URL: "invalid_url", CONF_TOKEN: "claim_code"},
        ),
    ],
)
async def test_what_was_typed_wrong_is_said_and_kept(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    names: Names,
    wrong: dict[str, str],
    errors: dict[str, str],
) -> None:
    result = await add(hass, typed(plex, **wrong))
    assert result["errors"] == errors
    assert suggested(result) == typed(plex, **wrong)

    result = await submit(hass, result, typed(plex))
    assert is_created(result)


@pytest.mark.parametrize("profile", ["current", "legacy"])
async def test_a_guests_token_and_https_are_told_from_what_is_only_wrong(
    hass: HomeAssistant, plex: SimulatedPlex
) -> None:
    shared = typed(plex, token=plex.shared_token)
    result = await add(hass, shared)
    assert result["errors"] == {"base": "not_owner"}

    secure = typed(plex, **{CONF_URL: plex.url.replace("http:", "https:")})
    result = await submit(hass, result, secure)
    assert result["errors"] == {"base": "tls"}

    result = await submit(hass, result, typed(plex))
    assert is_created(result)


async def test_a_redirect_to_another_host_is_not_followed_where_a_server_answers(
    hass: HomeAssistant, plex: SimulatedPlex, names: Names, certificates: Certificates
) -> None:
    tls = certificates.named("elsewhere.example")
    async with SimulatedPlex(tls=tls, clock=ManualClock()) as elsewhere:
        names.point("elsewhere.example", elsewhere.port)
        plex.fault("redirect", count=None, target="https://elsewhere.example")
        result = await add(hass, typed(plex))
        assert result["errors"] == {"base": "invalid_response"}
        assert suggested(result)[CONF_URL] == plex.url
        assert elsewhere.requests == []

    plex.clear_faults()
    result = await submit(hass, result, typed(plex))
    assert is_created(result)


async def test_a_server_is_added_once(
    hass: HomeAssistant, plex: SimulatedPlex, entry: MockConfigEntry
) -> None:
    result = await add(hass, typed(plex))

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


async def test_address_token_and_tls_setting_can_be_changed(
    hass: HomeAssistant, plex: SimulatedPlex, names: Names, loaded: MockConfigEntry
) -> None:
    result = await loaded.start_reconfigure_flow(hass)
    assert suggested(result) == typed(plex, token=None)
    elsewhere = {CONF_URL: "http://127.0.0.1:9", CONF_VERIFY_SSL: True}
    result = await submit(hass, result, elsewhere)
    assert result["errors"] == {"base": "refused"}

    url = plex.url.replace("127.0.0.1", "localhost")
    result = await submit(hass, result, {CONF_URL: url, CONF_VERIFY_SSL: False})

    assert result["reason"] == "reconfigure_successful"
    assert loaded.data == typed(plex, url=url, verify_ssl=False)


@pytest.mark.parametrize("known_as", ["ours", "plex", "card", "unknown"])
async def test_reconfiguring_to_another_server_says_which_one_before_its_token_is_tried(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    cellar: SimulatedPlex,
    loaded: MockConfigEntry,
    known_as: str,
) -> None:
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
    result = await loaded.start_reconfigure_flow(hass)
    result = await submit(hass, result, typed(cellar, token="wrong"))

    assert result["errors"] == {"base": "wrong_server"}
    shown = result["description_placeholders"]
    name = "Plex Media Server" if known_as == "unknown" else "Cellar"
    assert shown
    assert shown["found"] == f"{name} ({cellar.machine_identifier[:8]})"
    assert shown["expected"] == f"Attic ({plex.machine_identifier[:8]})"
    assert [request.path for request in cellar.requests] == ["/identity"]

    result = await submit(hass, result, typed(plex))
    assert result["reason"] == "reconfigure_successful"
    assert loaded.data == typed(plex)


async def test_a_server_of_the_plex_integration_is_copied_on_request(
    hass: HomeAssistant, plex: SimulatedPlex
) -> None:
    theirs = core_entry(plex, verify_ssl=False)
    theirs.add_to_hass(hass)
    result = await begin(hass, "plex")

    result = await submit(hass, result, {"server": theirs.entry_id})

    assert result["data"] == typed(plex, verify_ssl=False)
    assert theirs.state is ConfigEntryState.NOT_LOADED


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({"token": "old", "verify_ssl": False}, "invalid_auth"),
        ({"url": "http://[::1"}, "invalid_url"),
    ],
)
async def test_a_copy_that_does_not_work_says_why_and_can_be_changed(
    hass: HomeAssistant, plex: SimulatedPlex, config: dict[str, Any], error: str
) -> None:
    theirs = core_entry(plex, **config)
    theirs.add_to_hass(hass)
    result = await submit(hass, await begin(hass, "plex"), {"server": theirs.entry_id})
    assert result["step_id"] == "address"
    assert result["errors"] == {"base": error}
    placeholders = result["description_placeholders"]
    assert placeholders and placeholders["name"] == "Attic of the core"
    # Their token is used, not shown.
    shown = {
        CONF_URL: config.get("url", plex.url),
        CONF_VERIFY_SSL: config.get("verify_ssl", True),
    }
    assert suggested(result) == {**shown, CONF_TOKEN: None}

    # Left as it was, it is no better.
    result = await submit(hass, result, shown)
    assert result["errors"] == {"base": error}
    changed = {**shown, CONF_URL: plex.url, CONF_TOKEN: plex.token}
    result = await submit(hass, result, changed)
    assert result["data"] == changed


async def test_copies_of_servers_of_one_name_are_told_apart_while_they_are_there(
    hass: HomeAssistant, plex: SimulatedPlex
) -> None:
    first, second = core_entry(plex), core_entry(plex, url="http://cellar:1")
    for theirs in (first, second):
        theirs.add_to_hass(hass)
    result = await begin(hass, "plex")
    assert choices(result) == {
        first.entry_id: f"Attic of the core ({plex.url})",
        second.entry_id: "Attic of the core (http://cellar:1)",
    }
    await hass.config_entries.async_remove(second.entry_id)

    result = await submit(hass, result, {"server": second.entry_id})
    assert choices(result) == {first.entry_id: "Attic of the core"}
    result = await submit(hass, result, {"server": first.entry_id})
    assert is_created(result)


@pytest.mark.parametrize("way", ["plex", "manual"])
async def test_a_server_that_was_ignored_can_be_added_by_hand(
    hass: HomeAssistant, plex: SimulatedPlex, way: str
) -> None:
    ignored = MockConfigEntry(
        domain=DOMAIN, source=SOURCE_IGNORE, unique_id=plex.machine_identifier
    )
    ignored.add_to_hass(hass)
    theirs = core_entry(plex)
    theirs.add_to_hass(hass)
    result = await begin(hass, way)

    data = {"server": theirs.entry_id} if way == "plex" else typed(plex)
    result = await submit(hass, result, data)

    assert is_created(result)
    # It takes the place of what was ignored.
    assert hass.config_entries.async_entries(DOMAIN) == [result["result"]]
    assert result["result"].state is ConfigEntryState.LOADED


@pytest.mark.parametrize("why", ["none", "added", "unusable"])
async def test_nothing_is_offered_for_copying_where_there_is_nothing(
    hass: HomeAssistant, plex: SimulatedPlex, entry: MockConfigEntry, why: str
) -> None:
    if why == "added":
        core_entry(plex).add_to_hass(hass)
    if why == "unusable":
        MockConfigEntry(domain="plex", data={}).add_to_hass(hass)

    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )

    assert result["menu_options"] == ["sign_in", "manual"]


async def test_a_server_whose_card_is_open_can_be_added_by_hand(
    hass: HomeAssistant, plex: SimulatedPlex
) -> None:
    await announce(hass, plex.port)
    assert len(hass.config_entries.flow.async_progress()) == 1

    assert is_created(await add(hass, typed(plex)))
    assert hass.config_entries.flow.async_progress() == []
