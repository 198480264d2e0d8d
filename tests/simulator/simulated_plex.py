"""The simulated server as tests use it, in their own event loop."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
import ssl
from typing import Any

from .api import START_STATUS
from .butler import Butler
from .clock import Clock, WallClock
from .control import Control
from .durations import Durations
from .faults import Fault, FaultName
from .live_server import LiveServer
from .messages import Ask
from .noise import Noise
from .preferences import Setting, Value
from .profiles import PROFILES, Profile
from .router import Doorman
from .server_log import ServerLog
from .sessions import Sessions
from .settings import FRIENDLY_NAME
from .state import ServerState
from .task import StartResult
from .task_spec import TaskSpec
from .truth import Cause, Ending, Interval, TaskState

OWNER_TOKEN = "owner-token-0123456789"
SHARED_TOKEN = "shared-token-9876543210"


class SimulatedPlex(LiveServer):
    """A Plex Media Server with Butler, on a real socket."""

    def __init__(
        self,
        profile: str | Profile = "session",
        *,
        token: str = OWNER_TOKEN,
        speed: float = 1.0,
        clock: Clock | None = None,
        zone: tzinfo = UTC,
        window: tuple[int, int] | None = None,
        seed: int = 0,
        name: str = "Attic",
        host: str = "127.0.0.1",
        port: int = 0,
        prefix: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Describe the server; `start` makes it listen."""
        self.profile = PROFILES[profile] if isinstance(profile, str) else profile
        self._doorman = Doorman(token, SHARED_TOKEN)
        clock = WallClock(speed) if clock is None else clock
        if window is None and isinstance(clock, WallClock):
            window = _far_window(clock, zone)
        super().__init__(
            ServerState(
                self.profile,
                clock=clock,
                zone=zone,
                seed=seed,
                name=name,
                window=window,
            ),
            clock=clock,
            doorman=self._doorman,
            address=(host, port),
            prefix=prefix,
            tls=tls,
        )
        self._front.control = Control(self)

    @property
    def token(self) -> str:
        """Return the owner's token; another one may be set, which ends the old one."""
        return self._doorman.owner_token

    @token.setter
    def token(self, token: str) -> None:
        self._doorman.owner_token = token

    @property
    def shared_token(self) -> str:
        """Return the token of a user who is not the owner."""
        return self._doorman.shared_token

    @property
    def claimed(self) -> bool:
        """Return if the server has an owner; it may get one, or lose its own."""
        return self.state.claimed

    @claimed.setter
    def claimed(self, claimed: bool) -> None:
        self.state.claimed = claimed

    @property
    def machine_identifier(self) -> str:
        """Return the server's id; one that is installed anew has another."""
        return self.state.machine_identifier

    @machine_identifier.setter
    def machine_identifier(self, machine_identifier: str) -> None:
        self.state.machine_identifier = machine_identifier

    @property
    def version(self) -> str:
        """Return the server's version."""
        return self.state.version

    @property
    def name(self) -> str:
        """Return the server's name; a new one is a setting like others."""
        return self.state.name

    @name.setter
    def name(self, name: str) -> None:
        self.set_preference(FRIENDLY_NAME, name)

    @property
    def butler(self) -> Butler:
        """Return the model of Butler."""
        return self.state.butler

    @property
    def noise(self) -> Noise:
        """Return what makes scans and storms."""
        return self.state.noise

    @property
    def log(self) -> ServerLog:
        """Return the server's log; `tells` and `refused` are read and written."""
        return self.state.log

    @property
    def sessions(self) -> Sessions:
        """Return who is watching."""
        return self.state.sessions

    @property
    def durations(self) -> Durations:
        """Return how long runs take, to be read and written."""
        return Durations(self.butler)

    def truth(self) -> dict[str, TaskState]:
        """Return what every task really does now."""
        self.state.catch_up()
        return self.butler.truth()

    @property
    def intervals(self) -> list[Interval]:
        """Return all runs and waits so far."""
        self.state.catch_up()
        return self.butler.log.intervals

    def client_start(self, task: str) -> StartResult:
        """Start a task as another client does."""
        self.state.catch_up()
        with self.log.exchange(_other_client("POST", f"/butler/{task}")) as answer:
            result = self.butler.start(task, Cause.OTHER_CLIENT)
            answer.status = START_STATUS[result]
        return result

    def client_stop(self, task: str) -> bool:
        """Stop a task as another client does."""
        self.state.catch_up()
        with self.log.exchange(_other_client("DELETE", f"/butler/{task}")) as answer:
            stopped = self.butler.stop(task, Ending.STOPPED_BY_OTHER)
            answer.status = 200 if stopped else 404
        return stopped

    def client_start_all(self) -> None:
        """Start all that is due as another client does."""
        self.state.catch_up()
        with self.log.exchange(_other_client("POST", "/butler")):
            self.butler.start_due(Cause.OTHER_CLIENT)

    def client_stop_all(self) -> None:
        """Stop all as another client does."""
        self.state.catch_up()
        with self.log.exchange(_other_client("DELETE", "/butler")):
            self.butler.stop_all(Ending.STOPPED_BY_OTHER)

    def set_preference(self, name: str, value: Value) -> None:
        """Change a setting as another client does."""
        self.state.catch_up()
        self.state.preferences.set(name, value)

    def add_preference(self, setting: Setting) -> None:
        """List one more setting."""
        self.state.preferences.add(setting)

    def remove_preference(self, name: str) -> None:
        """List a setting no longer; the task that it switched is always enabled."""
        self.state.catch_up()
        self.state.preferences.remove(name)

    def add_task(self, spec: TaskSpec) -> None:
        """List one more task."""
        self.butler.add_task(spec)

    def remove_task(self, name: str) -> None:
        """List a task no longer."""
        self.state.catch_up()
        self.butler.remove_task(name)

    def fault(
        self, name: str, count: int | None = 1, path: str = "/", **fields: Any
    ) -> None:
        """Let something go wrong for the next requests; sockets drop at once."""
        fault = Fault(name=FaultName(name), count=count, path=path, **fields)
        if fault.name is FaultName.RESTART:
            raise ValueError("a restart takes time: await plex.restart()")
        if fault.name is FaultName.DROP_SOCKETS:
            self.drop_sockets()
        else:
            self._front.faults.add(fault)

    def clear_faults(self) -> None:
        """Let nothing go wrong any more."""
        self._front.faults.clear()


def _other_client(method: str, path: str) -> Ask:
    """Return what another client of the home asks, as the log sees it."""
    peer = "192.168.4.21:50514"
    return Ask(method=method, parts=(), query={}, headers={}, target=path, peer=peer)


def _far_window(clock: WallClock, zone: tzinfo) -> tuple[int, int]:
    """Return hours half a day away, so that no test depends on the time of day."""
    hour = datetime.fromtimestamp(clock.now(), zone).hour
    return (hour + 11) % 24, (hour + 14) % 24
