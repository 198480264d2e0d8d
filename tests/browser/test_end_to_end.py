"""From nothing to tasks that were switched on and off.

Each test goes on from where the one before left the page, as a person does.
"""

from playwright.sync_api import Locator, Page, expect

from scripts.dashboard import PATH
from scripts.home_assistant import HomeAssistant
from scripts.simulator import Simulator

from .conftest import Keep, See, switch

BACKUP, OPTIMIZE = "Back up database", "Optimize database"
STOPPED = 5  # seconds, in which neither would have come to its end


def row_of(page: Page, name: str) -> Locator:
    """Return a switch's row of the device page."""
    rows = page.locator("hui-toggle-entity-row")
    return rows.filter(has=page.get_by_text(name, exact=True))


def turn(page: Page, name: str, state: str) -> None:
    """Turn a switch of the device page on or off, as it is shown.

    While its state is assumed, the frontend shows a button for each direction.
    """
    row = row_of(page, name)
    if row.locator("ha-switch").count():
        row.locator("ha-switch").click()
    else:
        row.locator("ha-icon-button").nth(1 if state == "on" else 0).click()


def open_dialog(page: Page) -> None:
    """Go from wherever the page is to the ways in."""
    page.get_by_text("Settings", exact=True).click()
    page.get_by_text("Devices & services").click()
    page.get_by_role("button", name="Add integration").click()
    page.get_by_role("textbox", name="Search").last.fill("Plex Butler")
    page.get_by_text("Plex Butler", exact=True).last.click()


def finish(page: Page) -> None:
    """Leave the dialog for the device."""
    page.get_by_role("button", name="Skip and finish").click()
    expect(page.get_by_text("Service info")).to_be_visible()


def test_a_server_of_the_plex_integration_is_used_in_three_clicks(
    page: Page, home_assistant: HomeAssistant, keep: Keep
) -> None:
    open_dialog(page)
    expect(page.get_by_text("Sign in with Plex")).to_be_visible()
    keep("ways-in")
    page.get_by_text("Use a server of the Plex integration").click()
    keep("chosen")
    page.get_by_role("button", name="Submit").click()
    finish(page)
    home_assistant.remove_servers()


def test_a_server_is_added_in_the_dialog(
    page: Page, simulator: Simulator, keep: Keep
) -> None:
    open_dialog(page)
    page.get_by_text("Enter address and token").click()
    page.get_by_role("textbox", name="Address").fill(simulator.url)
    page.get_by_role("textbox", name="Token").fill("mistyped")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("The server does not accept this token")).to_be_visible()
    keep("refused")
    page.get_by_role("textbox", name="Token").fill(simulator.token)
    page.get_by_role("button", name="Submit").click()
    finish(page)


def test_the_device_page_has_every_task(page: Page) -> None:
    expect(page.get_by_text("Attic Butler").first).to_be_visible()
    for name in (BACKUP, OPTIMIZE, "Update all libraries"):
        # On the first day of a server all switches are plain toggles.
        expect(row_of(page, name).get_by_role("switch")).not_to_be_checked()
    # Those that people start by hand, and the hours of the window
    expect(page.locator("hui-toggle-entity-row")).to_have_count(12)
    expect(page.locator("hui-select-entity-row")).to_have_count(2)
    expect(page.locator("hui-button-entity-row")).to_have_count(2)


def test_a_switch_starts_its_task_goes_off_at_the_end_and_stops_it(
    page: Page, see: See, keep: Keep
) -> None:
    turn(page, BACKUP, "on")
    see(BACKUP, "on")
    # The server named the task, so its state stays known.
    known = row_of(page, BACKUP).get_by_role("switch")
    expect(known).to_be_checked()
    keep("on")
    see(BACKUP, "off")
    expect(known).not_to_be_checked()

    turn(page, BACKUP, "on")
    see(BACKUP, "on")
    turn(page, BACKUP, "off")
    see(BACKUP, "off", seconds=STOPPED)


def test_stop_all_tasks_stops_them_all(page: Page, see: See, keep: Keep) -> None:
    for name in (OPTIMIZE, BACKUP):
        turn(page, name, "on")
        see(name, "on")
    keep("both-on")
    buttons = page.locator("hui-button-entity-row")
    buttons.filter(has_text="Stop all tasks").get_by_role("button").click()
    for name in (OPTIMIZE, BACKUP):
        see(name, "off", seconds=STOPPED)


def test_activity_says_which_task_did_what(
    page: Page, home_assistant: HomeAssistant
) -> None:
    page.goto(f"{home_assistant.url}/logbook")
    expect(page.get_by_text("ended after").first).to_be_visible()
    expect(page.get_by_text("stopped after").first).to_be_visible()


def test_a_task_is_switched_on_and_off_on_the_dashboard(
    page: Page, home_assistant: HomeAssistant, dashboard: None, see: See, keep: Keep
) -> None:
    page.goto(f"{home_assistant.url}/{PATH}")
    icon = page.locator("ha-tile-icon[data-domain=switch]")
    tile = page.locator("hui-tile-card").filter(has=icon, has_text=OPTIMIZE)
    tile.locator(icon).click()
    see(OPTIMIZE, "on")
    expect(tile.get_by_text("On", exact=True)).to_be_visible()
    keep("on")
    tile.locator(icon).click()
    see(OPTIMIZE, "off", seconds=STOPPED)
    expect(tile.get_by_text("Off", exact=True)).to_be_visible()


def choose(page: Page, kind: str, name: str) -> None:
    """Add something to the automation that is open in the editor, by its target."""
    page.get_by_role("button", name=f"Add {kind}").click()
    page.get_by_text("Services", exact=True).click()
    page.get_by_text("Attic Butler", exact=True).last.click()
    page.get_by_text(name).locator("visible=true").last.click()


def choose_task(page: Page, field: str, name: str) -> None:
    """Choose a task in the form that is open in the editor."""
    row = page.locator("ha-settings-row").filter(has_text=field)
    row.locator("ha-checkbox").first.click()
    row.get_by_text("Add", exact=True).click()
    page.get_by_text(name, exact=True).last.click()


def test_an_automation_is_made_in_the_editor_and_does_what_it_says(
    page: Page, home_assistant: HomeAssistant, see: See, keep: Keep
) -> None:
    page.goto(f"{home_assistant.url}/config/automation/edit/new")
    choose(page, "trigger", "Task ended")
    keep("trigger")
    choose_task(page, "The tasks that trigger", BACKUP)
    choose(page, "action", "Start task")
    choose_task(page, "The tasks to start", OPTIMIZE)
    keep("action")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("textbox", name="Name").fill("Optimize after the backup")
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_text("Optimize after the backup").first).to_be_visible()

    switch(home_assistant, BACKUP, "on")
    see(BACKUP, "on")
    see(OPTIMIZE, "on")
    see(BACKUP, "off", seconds=0)
    switch(home_assistant, OPTIMIZE, "off")
    see(OPTIMIZE, "off", seconds=STOPPED)
