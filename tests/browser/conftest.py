"""A simulated server, a Home Assistant with the release installed, and a browser."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
import os
import re
import time
from zipfile import ZipFile

from playwright.sync_api import Page, expect, sync_playwright
import pytest

from scripts.dashboard import open_with_dashboard
from scripts.home_assistant import PASSWORD, USERNAME, HomeAssistant
from scripts.programs import ROOT
from scripts.simulator import Simulator

KEPT = ROOT / "screenshots"  # what a run leaves behind to be looked at
RELEASE = ROOT / "dist" / "plex_butler.zip"
SPEED = 3.0  # a backup takes ten seconds, which a person could follow
TASKS = {
    "Back up database": "BackupDatabase",
    "Optimize database": "OptimizeDatabase",
    "Update all libraries": "RefreshLibraries",
}
PATIENCE = 30_000  # milliseconds; the first page of a fresh start takes long
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
COMPLAINTS = re.compile(
    r" (WARNING|ERROR|CRITICAL) .*\[custom_components\.plex_butler"
    r"|Detected that custom integration 'plex_butler'"
    r"|File \".*/custom_components/plex_butler/"
)

type Keep = Callable[[str], None]
type See = Callable[..., None]


def switch(home_assistant: HomeAssistant, name: str, state: str) -> None:
    """Turn a task on or off, without the page."""
    path = f"/api/services/switch/turn_{state}"
    home_assistant.request("POST", path, {"entity_id": switch_of(name)})


def switch_of(name: str) -> str:
    return f"switch.attic_butler_{name.lower().replace(' ', '_')}"


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    """Run a simulated server in which simulated time flies."""
    with Simulator(speed=SPEED) as running:
        yield running


@pytest.fixture(scope="session")
def home_assistant(
    simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HomeAssistant]:
    """Run Home Assistant with the integration as the release ships it.

    Its own Plex integration knows the server already.
    """
    instance = HomeAssistant(tmp_path_factory.mktemp("home_assistant"))
    instance.know_plex_server(
        url=simulator.url, token=simulator.token, machine=simulator.machine
    )
    with ZipFile(RELEASE) as release:
        release.extractall(instance.integration_folder)
    KEPT.mkdir(exist_ok=True)
    log = KEPT / "home-assistant.log"
    install = "PLEX_BUTLER_INSTALL" in os.environ  # for releases that no lock knows
    with (
        log.open("wb") as output,
        instance.start(output=output, install=install) as program,
    ):
        instance.welcome(program)
        yield instance
    complaints = list(filter(COMPLAINTS.search, log.read_text().splitlines()))
    assert not complaints, "\n".join(["In Home Assistant's log:", *complaints])


@pytest.fixture(scope="session")
def see(home_assistant: HomeAssistant, simulator: Simulator) -> See:
    """Return what waits until a task is on or off, and Home Assistant knows it.

    The page alone would show for a while what was clicked.
    """

    def see(name: str, state: str, *, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        # One that waits for another is not idle, either.
        while (simulator.truth()[TASKS[name]] != "idle") != (state == "on") or (
            home_assistant.state(switch_of(name)) != state
        ):
            assert time.monotonic() < deadline, f"{name} is not {state}"
            time.sleep(0.1)

    return see


@pytest.fixture(scope="session")
def page(home_assistant: HomeAssistant) -> Iterator[Page]:
    """Open a browser and log in."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("PLEX_BUTLER_CHROMIUM"), args=FLAGS
        )
        page = browser.new_page(viewport={"width": 1280, "height": 960})
        page.set_default_timeout(PATIENCE)
        page.goto(home_assistant.url)
        page.get_by_role("textbox", name="Username").fill(USERNAME)
        page.get_by_role("textbox", name="Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_text("Settings", exact=True)).to_be_visible()
        yield page
        browser.close()


@pytest.fixture(scope="session")
def dashboard(home_assistant: HomeAssistant) -> None:
    """Add the dashboard, and have Home Assistant open with it."""
    with ThreadPoolExecutor() as pool:  # this thread's loop is the browser's
        pool.submit(asyncio.run, open_with_dashboard(home_assistant)).result()


@pytest.fixture(autouse=True)
def keep(request: pytest.FixtureRequest, page: Page) -> Iterator[Keep]:
    """Keep pictures of the page: those asked for, and how each test left it."""
    test = request.node.name.removeprefix("test_")

    def picture(name: str) -> None:
        page.screenshot(path=KEPT / f"{test}-{name}.png")

    yield picture
    picture("end")
