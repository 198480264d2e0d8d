"""What goes wrong with a simulated server, and what makes it good again."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.simulator import Absence, SimulatedPlex, TaskSpec, raw

SOCKETS: Final = "/:/websockets/notifications"
BAD: Final = TaskSpec(
    name="PolishBrass",
    title=f"Polir les cuivr{raw(0xE9)}s \ud83d",
    description=f"{raw(0x07)}",
)

type Act = Callable[[SimulatedPlex], Awaitable[object] | None]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault that begins with one act and ends with another."""

    begin: Act
    end: Act = SimulatedPlex.clear_faults
    # Runs end with the server.
    kills: bool = False
    # Requests that are under way break too.
    abrupt: bool = False


def _of_all(name: str, **fields: Any) -> Fault:
    """Return a fault of every request."""
    return Fault(begin=lambda plex: plex.fault(name, count=None, **fields))


def _of_sockets(name: str) -> Fault:
    """Return a fault of every WebSocket, those that are open included."""

    def begin(plex: SimulatedPlex) -> None:
        plex.fault(name, count=None, path=SOCKETS)
        plex.fault("drop-sockets")

    return Fault(begin=begin)


def _away(how: Absence) -> Fault:
    """Return an outage in which all that runs goes on; it ends by time."""
    return Fault(begin=lambda plex: plex.go_away(100, how=how), abrupt=True)


def _another() -> Fault:
    """Return another server at the address, with another token."""
    others: list[SimulatedPlex] = []

    async def begin(plex: SimulatedPlex) -> None:
        await plex.stop_listening()
        other = SimulatedPlex(
            name="Cellar", token="another-token", clock=plex.clock, port=plex.port
        )
        other.machine_identifier = plex.machine_identifier[::-1]
        others.append(await other.start())

    async def end(plex: SimulatedPlex) -> None:
        other = others.pop()
        await other.stop()
        await plex.listen_again()
        sent = [it.path for it in other.requests if "X-Plex-Token" in it.headers]
        plex.strangers_got = sent  # type: ignore[attr-defined]  # read by the check

    return Fault(begin=begin, end=end, abrupt=True)


def _change_token(plex: SimulatedPlex) -> None:
    """Have the server accept another token; the second call restores the old one."""
    plex.token = plex.token[::-1]


def _send_bad_bytes(plex: SimulatedPlex) -> None:
    plex.add_task(BAD)
    plex.noise.activity("library.x", 100, title=BAD.title)
    plex.fault("drop-sockets")


async def _flood(plex: SimulatedPlex) -> None:
    plex.noise.log_flood(30_000)
    await plex.flush()


FAULTS: Final = {
    "connections refused": _away(Absence.REFUSED),
    "connections hung up": _away(Absence.HANG_UP),
    "connections reset": _away(Absence.RESET),
    "no route": _away(Absence.UNREACHABLE),
    "requests closed unanswered": _of_all("refuse"),
    "requests reset": _of_all("reset"),
    "slow, 8 s": _of_all("slow", delay=8),
    "silent, 10 min": _of_all("slow", delay=600),
    "done, but answered after 20 s": _of_all("late", delay=20),
    "half an answer": _of_all("cut"),
    "garbage": _of_all("garbage"),
    "JSON of a wrong shape": _of_all("wrong-shape"),
    "empty answers": _of_all("ignore"),
    "10 MiB": _of_all("huge"),
    "gzip bomb": _of_all("gzip-bomb"),
    "redirect": _of_all("redirect"),
    **{
        status: _of_all(status)
        for status in ("400", "401", "403", "404", "429", "500", "502", "503", "504")
    },
    "token refused": Fault(begin=_change_token, end=_change_token),
    "403 to tasks alone": _of_all("403", path="/butler"),
    "bad bytes": Fault(
        begin=_send_bad_bytes, end=lambda plex: plex.remove_task(BAD.name)
    ),
    "restart": Fault(
        begin=lambda plex: plex.restart(refused_for=50, maintenance_for=50),
        kills=True,
        abrupt=True,
    ),
    "another server": _another(),
    "sockets dropped": Fault(begin=lambda plex: plex.fault("drop-sockets")),
    "half-open WebSocket": _of_sockets("half-open"),
    "WebSocket breaks after a frame": _of_sockets("frame-cut"),
    "WebSocket breaks after pings": _of_sockets("ping-cut"),
    "502 to WebSockets alone": _of_sockets("502"),
    "flood of the log": Fault(begin=_flood),
}
