"""The pictures of the documentation, and how the same pages look on a phone.

`scripts/pictures` writes those of the documentation; otherwise they are kept beside
all others.
"""

from collections.abc import Iterator
import os

from playwright.sync_api import FloatRect, Page, Position, expect
import pytest

from scripts.dashboard import PATH
from scripts.home_assistant import HomeAssistant
from scripts.programs import ROOT
from scripts.simulator import Simulator

from .conftest import KEPT, See, switch

PICTURES = ROOT / os.environ.get("PLEX_BUTLER_PICTURES", KEPT.name)
SIDEBAR = 256
PHONE = 390
MAKING = "/api/config/automation/config/optimize"


def take(page: Page, name: str, *, height: float | None = None) -> None:
    """Save the page without its sidebar as a picture, light and dark."""
    shown = page.viewport_size
    assert shown is not None
    width = shown["width"] - SIDEBAR
    clip = FloatRect(x=SIDEBAR, y=0, width=width, height=height or shown["height"])
    page.mouse.move(0, 0)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.wait_for_timeout(1_000)  # until what has begun to fade has faded
        page.screenshot(path=PICTURES / f"{name}-{scheme}.png", clip=clip)
    page.emulate_media(color_scheme="light")


@pytest.fixture(scope="module")
def device(
    home_assistant: HomeAssistant, simulator: Simulator, see: See
) -> Iterator[str]:
    """Return the device of a server that has done something, and is at work."""
    PICTURES.mkdir(exist_ok=True, parents=True)
    entries = "/api/config/config_entries/entry?domain=plex_butler"
    if not home_assistant.request("GET", entries):
        home_assistant.add_server(url=simulator.url, token=simulator.token)
    for task in ("Update all libraries", "Back up database"):
        switch(home_assistant, task, "on")
        see(task, "on")
        see(task, "off", seconds=60)
    switch(home_assistant, "Detect intros", "on")
    template = "{{ device_id('switch.attic_butler_detect_intros') | tojson }}"
    found: str = home_assistant.request("POST", "/api/template", {"template": template})
    yield found
    switch(home_assistant, "Detect intros", "off")


def resize(page: Page, *, width: int = SIDEBAR + 960, height: int = 960) -> None:
    """Give the page another size."""
    page.set_viewport_size({"width": width, "height": height})


@pytest.fixture(autouse=True)
def desktop(page: Page) -> None:
    """Begin each test with a page as wide as on a desk."""
    resize(page)


def test_the_device_page(
    page: Page, home_assistant: HomeAssistant, device: str
) -> None:
    page.goto(f"{home_assistant.url}/config/devices/device/{device}")
    expect(page.locator("hui-toggle-entity-row")).to_have_count(12)
    expect(page.get_by_text("ended after").first).to_be_visible()
    take(page, "device")

    resize(page, width=PHONE, height=844)
    expect(page.locator("hui-toggle-entity-row").first).to_be_visible()
    page.wait_for_timeout(1_000)
    page.screenshot(path=KEPT / "device-phone.png")


def test_the_dashboard(
    page: Page, home_assistant: HomeAssistant, device: str, dashboard: None
) -> None:
    resize(page, width=SIDEBAR + 1_120, height=1_400)
    page.goto(f"{home_assistant.url}/{PATH}")
    expect(page.get_by_text("Detect intros").first).to_be_visible()
    expect(page.get_by_text("ended after").first).to_be_visible()
    take(page, "dashboard", height=748)  # without the list below

    for name, height in (("dashboard-phone", 844), ("dashboard-phone-all", 2_400)):
        resize(page, width=PHONE, height=height)
        page.wait_for_timeout(1_000)
        page.screenshot(path=KEPT / f"{name}.png")


def test_the_calendar(page: Page, home_assistant: HomeAssistant, device: str) -> None:
    resize(page, height=720)
    page.goto(f"{home_assistant.url}/calendar")
    page.locator("ha-button-toggle-group ha-button").last.click()  # the list
    expect(page.get_by_text("Maintenance window").first).to_be_visible()
    take(page, "calendar", height=400)


def test_the_automation_editor(
    page: Page, home_assistant: HomeAssistant, device: str
) -> None:
    target = {"target": {"device_id": device}}
    trigger = {"task": ["backup_database"], "result": ["ended"]}
    action = {"task": ["optimize_database"]}
    made = {
        "alias": "Optimize after the backup",
        "triggers": [
            {"trigger": "plex_butler.task_ended", **target, "options": trigger}
        ],
        "actions": [{"action": "plex_butler.start_task", **target, "data": action}],
    }
    home_assistant.request("POST", MAKING, made)
    resize(page, height=720)
    page.goto(f"{home_assistant.url}/config/automation/edit/optimize")
    # The first form that is opened shows keys if the names of tasks are not loaded yet
    left = Position(x=4, y=8)  # what follows in the row is its target
    page.get_by_text("Task ended").first.click(position=left)
    page.wait_for_timeout(2_000)
    page.get_by_text("Start task").first.click(position=left)
    expect(page.get_by_text("Optimize database").first).to_be_visible()
    take(page, "automation")
    home_assistant.request("DELETE", MAKING)
