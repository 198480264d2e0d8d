"""A real Home Assistant in a folder of its own, tried by hand and by browser."""

from contextlib import suppress
import json
from pathlib import Path
import socket
import sys
from typing import IO, Any
from urllib.error import URLError
from urllib.parse import urlencode

from .local_http import ask
from .programs import Program

NAME, USERNAME, PASSWORD = "Demo", "demo", "demo"
START_SECONDS = 180
RESTART = 100  # the code with which it ends when it is to be started again

CONFIGURATION = """\
homeassistant:
  name: Plex Butler
  language: en
  time_zone: UTC
  unit_system: metric
  country: NL
automation: !include automations.yaml
config:
frontend:
history:
logbook:
scene:
script:
logger:
  default: warning
  logs:
    custom_components.plex_butler: {level}
    # programs for cameras, which nobody misses here
    haffmpeg: critical
    homeassistant.components.camera.img_util: critical
"""


class HomeAssistant:
    """An instance with one user, which nobody has to be led through setting up."""

    def __init__(
        self, folder: Path, *, port: int | None = None, level: str = "info"
    ) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.access_token = ""
        (folder / "configuration.yaml").write_text(CONFIGURATION.format(level=level))
        # What is made in the editor is kept here
        (folder / "automations.yaml").touch()
        self._store("http", 3, self._http())
        # All but the user: the other steps would set up weather, radio and so on
        done = ["core_config", "analytics", "integration"]
        self._store("onboarding", 4, {"done": done})

    @property
    def integration_folder(self) -> Path:
        """Return where the integration is to be put before the start."""
        folder = self.folder / "custom_components"
        folder.mkdir(exist_ok=True)
        return folder / "plex_butler"

    def start(
        self, *, output: IO[bytes] | None = None, install: bool = False
    ) -> Program:
        """Start it; may it not install, an integration that needs more fails."""
        command = [sys.executable, "-m", "homeassistant", "-c", str(self.folder)]
        return Program(
            "Home Assistant",
            command if install else [*command, "--skip-pip"],
            # In the checkout it would load the integration from there
            folder=self.folder,
            output=output,
        )

    def welcome(self, program: Program) -> None:
        """Create the user as soon as it can be done, and wait for everything else."""
        program.wait_until("web page", self._answers, seconds=START_SECONDS)
        self.access_token = self._create_user()
        program.wait_until("end of start", self._started, seconds=START_SECONDS)

    def request(self, method: str, path: str, data: object = None) -> Any:
        """Call the API, as the user once there is one."""
        headers = {"Content-Type": "application/json"}
        if self.access_token:
            headers["Authorization"] = f"Bearer {self.access_token}"
        body = None if data is None else json.dumps(data).encode()
        return ask(self.url + path, method=method, body=body, headers=headers)

    def state(self, entity_id: str) -> str:
        """Return an entity's state."""
        state: str = self.request("GET", f"/api/states/{entity_id}")["state"]
        return state

    def add_server(self, *, url: str, token: str, verify_ssl: bool = True) -> str:
        """Go through the integration's own dialog; return the entry's id."""
        flows = "/api/config/config_entries/flow"
        flow = self.request("POST", flows, {"handler": "plex_butler"})
        path = f"{flows}/{flow['flow_id']}"
        self.request("POST", path, {"next_step_id": "manual"})
        answers = {"url": url, "token": token, "verify_ssl": verify_ssl}
        result = self.request("POST", path, answers)
        if result["type"] != "create_entry":
            raise ValueError(f"The server was not added: {result.get('errors')}")
        entry_id: str = result["result"]["entry_id"]
        return entry_id

    def remove_servers(self) -> None:
        """Remove what was added."""
        entries = "/api/config/config_entries/entry"
        for entry in self.request("GET", f"{entries}?domain=plex_butler"):
            self.request("DELETE", f"{entries}/{entry['entry_id']}")

    def know_plex_server(self, *, url: str, token: str, machine: str) -> None:
        """Have an entry of the Plex integration, to be called before the start.

        It is disabled, so that nothing that it needs has to be there.
        """
        entry = {
            "created_at": "2026-11-01T00:00:00+00:00",
            "data": {
                "server": "Attic",
                "server_id": machine,
                "server_config": {"url": url, "token": token, "verify_ssl": True},
            },
            "disabled_by": "user",
            "domain": "plex",
            "entry_id": "plex-of-the-core",
            "modified_at": "2026-11-01T00:00:00+00:00",
            "options": {},
            "pref_disable_new_entities": False,
            "pref_disable_polling": False,
            "source": "user",
            "title": "Attic",
            "unique_id": machine,
            "version": 1,
        }
        self._store("core.config_entries", 1, {"entries": [entry]})

    def _answers(self) -> bool:
        with suppress(URLError, ConnectionError):
            self.request("GET", "/api/onboarding")
            return True
        return False

    def _started(self) -> bool:
        return bool(self.request("GET", "/api/config")["state"] == "RUNNING")

    def _create_user(self) -> str:
        client = f"{self.url}/"
        created = self.request(
            "POST",
            "/api/onboarding/users",
            {
                "name": NAME,
                "username": USERNAME,
                "password": PASSWORD,
                "client_id": client,
                "language": "en",
            },
        )
        grant = urlencode(
            {
                "grant_type": "authorization_code",
                "code": created["auth_code"],
                "client_id": client,
            }
        )
        answer = ask(f"{self.url}/auth/token", method="POST", body=grant.encode())
        token: str = answer["access_token"]
        return token

    def _http(self) -> dict[str, object]:
        """Return the settings that a free port needs.

        Given in configuration.yaml they would have to be confirmed in a dialog.
        """
        stable = {
            "server_host": ["127.0.0.1"],
            "server_port": self.port,
            "cors_allowed_origins": [],
            "login_attempts_threshold": -1,
            "ip_ban_enabled": True,
            "ssl_profile": "intermediate_v6",
            "use_x_frame_options": True,
            "created_at": "2026-11-01T00:00:00+00:00",
            "error": None,
            "error_message": None,
        }
        return {"stable": stable, "pending": None, "yaml_migration_done": True}

    def _store(self, key: str, version: int, data: dict[str, object]) -> None:
        folder = self.folder / ".storage"
        folder.mkdir(exist_ok=True)
        stored = {"version": version, "minor_version": 1, "key": key, "data": data}
        (folder / key).write_text(json.dumps(stored))


def free_port(wanted: int = 0) -> int:
    """Return the wanted port, or another one where something listens on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
