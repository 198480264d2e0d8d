"""From nothing to tasks that were switched on and off.

Each test goes on from where the one before left the page, as a person does.
"""

import time

from playwright.sync_api import Locator, Page, expect

from scripts.home_assistant import HomeAssistant
from scripts.simulator import Simulator

from .conftest import Keep

BACKUP, OPTIMIZE = "BackupDatabase", "OptimizeDatabase"
STOPPED = 3  # seconds, in which neither would have come to its end


def switch(page: Page, name: str) -> Locator:
    """Return a switch of the device page."""
    return page.get_by_role("switch", name=f"Toggle Attic Butler {name}")


def toggle(page: Page, name: str) -> None:
    """Click a switch of the device page."""
    row = page.locator("hui-toggle-entity-row").filter(has_text=name)
    row.locator("ha-switch").click()


def press(page: Page, name: str) -> None:
    """Press a button of the device page."""
    row = page.locator("hui-button-entity-row").filter(has_text=name)
    row.get_by_role("button", name="Press").click()


def expect_state(
    page: Page, home_assistant: HomeAssistant, name: str, state: str
) -> None:
    """Wait for a switch; the page alone would show for a while what was clicked."""
    entity_id = f"switch.attic_butler_{name.lower().replace(' ', '_')}"
    deadline = time.monotonic() + 30
    while home_assistant.state(entity_id) != state:
        assert time.monotonic() < deadline, f"{entity_id} is not {state}"
        time.sleep(0.1)
    expect(switch(page, name)).to_be_checked(checked=state == "on")


def wait_for(
    simulator: Simulator, state: str, *tasks: str, seconds: float = 30
) -> None:
    """Wait until each of the tasks really is in a state."""
    deadline = time.monotonic() + seconds
    while any(simulator.truth()[task] != state for task in tasks):
        assert time.monotonic() < deadline, f"{tasks} not {state}: {simulator.truth()}"
        time.sleep(0.1)


def test_a_server_is_added_in_the_dialog(
    page: Page, simulator: Simulator, keep: Keep
) -> None:
    page.get_by_text("Settings", exact=True).click()
    page.get_by_text("Devices & services").click()
    page.get_by_role("button", name="Add integration").click()
    page.get_by_role("textbox", name="Search").last.fill("Plex Butler")
    keep("found")
    page.get_by_text("Plex Butler", exact=True).last.click()
    page.get_by_role("textbox", name="Address").fill(simulator.url)
    page.get_by_role("textbox", name="Token").fill("mistyped")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("The server does not accept this token")).to_be_visible()
    keep("refused")
    page.get_by_role("textbox", name="Token").fill(simulator.token)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("button", name="Skip and finish")).to_be_visible()
    keep("added")
    page.get_by_role("button", name="Skip and finish").click()
    expect(page.get_by_text("Service info")).to_be_visible()


def test_the_device_page_has_every_task(page: Page) -> None:
    expect(page.get_by_text("Attic Butler").first).to_be_visible()
    for name in ("Back up database", "Optimize database", "Refresh libraries"):
        expect(switch(page, name)).not_to_be_checked()
    # Of the 22 tasks, installing updates waits to be enabled
    expect(page.get_by_role("switch")).to_have_count(21)
    expect(page.locator("hui-button-entity-row")).to_have_count(2)


def test_a_switch_starts_its_task_and_goes_off_at_the_end(
    page: Page, home_assistant: HomeAssistant, simulator: Simulator, keep: Keep
) -> None:
    toggle(page, "Back up database")
    wait_for(simulator, "running", BACKUP)
    expect_state(page, home_assistant, "Back up database", "on")
    keep("on")
    wait_for(simulator, "idle", BACKUP)
    expect_state(page, home_assistant, "Back up database", "off")


def test_a_switch_stops_its_task(
    page: Page, home_assistant: HomeAssistant, simulator: Simulator
) -> None:
    toggle(page, "Back up database")
    wait_for(simulator, "running", BACKUP)
    expect_state(page, home_assistant, "Back up database", "on")
    toggle(page, "Back up database")
    wait_for(simulator, "idle", BACKUP, seconds=STOPPED)
    expect_state(page, home_assistant, "Back up database", "off")


def test_stop_all_tasks_stops_them_all(
    page: Page, home_assistant: HomeAssistant, simulator: Simulator, keep: Keep
) -> None:
    for name in ("Optimize database", "Back up database"):
        toggle(page, name)
        expect_state(page, home_assistant, name, "on")
    keep("both-on")
    press(page, "Stop all tasks")
    wait_for(simulator, "idle", OPTIMIZE, BACKUP, seconds=STOPPED)
    for name in ("Optimize database", "Back up database"):
        expect_state(page, home_assistant, name, "off")
