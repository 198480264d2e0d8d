"""The paths under /_simulator, which no real server has; they need no token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .faults import FaultName
from .messages import Ask
from .preferences import Kind, Setting
from .sessions import PlayState
from .task_spec import TaskSpec

if TYPE_CHECKING:
    from .simulated_plex import SimulatedPlex

type Action = Callable[..., Awaitable[Any] | Any]

_RESTART_FIELDS = {"version", "refused_for", "maintenance_for", "how"}
_GO_AWAY = "go-away"


class Control:
    """Lets tests in another process do what the methods do in this one."""

    def __init__(self, plex: SimulatedPlex) -> None:
        """Know the actions by the last part of their path."""
        self._plex = plex
        self._reads: dict[str, Callable[[], Any]] = {
            "truth": plex.state.truth,
            "runs": lambda: [run.as_dict() for run in plex.intervals],
            "requests": self._requests,
        }
        self._actions: dict[str, Action] = {
            "fault": plex.fault,
            "clear-faults": plex.clear_faults,
            "start": plex.client_start,
            "stop": plex.client_stop,
            "start-all": plex.client_start_all,
            "stop-all": plex.client_stop_all,
            "preference": plex.set_preference,
            "add-preference": self._add_preference,
            "remove-preference": plex.remove_preference,
            "duration": self._duration,
            "add-task": lambda **fields: plex.add_task(TaskSpec(**fields)),
            "remove-task": plex.remove_task,
            "scan": plex.noise.scan,
            "storm": plex.noise.storm,
            "crowd": plex.noise.crowd,
            "hang": plex.noise.hang,
            "end": plex.noise.end,
            "log": self._log,
            "log-flood": plex.noise.log_flood,
            "noise": plex.noise.ordinary_day,
            "play": plex.sessions.play,
            "playing": self._playing,
            "advance": plex.advance,
        }

    async def handle(self, request: web.BaseRequest, ask: Ask) -> web.Response:
        """Answer in JSON; what cannot be done is a 400 that says why."""
        name = ask.parts[1] if len(ask.parts) == 2 else ""
        if request.method == "GET" and name in self._reads:
            return web.json_response(self._reads[name]())
        if request.method != "POST" or name not in {
            *self._actions,
            FaultName.RESTART,
            _GO_AWAY,
        }:
            return web.json_response({"error": f"no such thing: {name}"}, status=404)
        try:
            result = await self._act(request, name)
        except (KeyError, TypeError, ValueError) as err:
            return web.json_response({"error": repr(err)}, status=400)
        return web.json_response({"result": result})

    async def _act(self, request: web.BaseRequest, name: str) -> Any:
        fields = json.loads(await request.text() or "{}")
        if name == FaultName.RESTART or fields.get("name") == FaultName.RESTART:
            return await self._restart(request, fields)
        if name == _GO_AWAY:
            return await self._plex.go_away(**fields, spare=request.transport)
        result = self._actions[name](**fields)
        return await result if isawaitable(result) else result

    async def _restart(self, request: web.BaseRequest, fields: dict[str, Any]) -> None:
        """Restart by either path; as a fault it has a delay and a count."""
        known = {name: fields[name] for name in _RESTART_FIELDS & fields.keys()}
        known.setdefault("refused_for", fields.get("delay", 0))
        await self._plex.restart(**known, spare=request.transport)

    def _duration(self, *, task: str, seconds: float) -> None:
        self._plex.durations[task] = seconds

    def _add_preference(self, *, kind: str, **fields: Any) -> None:
        fields.setdefault("value", fields["default"])
        self._plex.add_preference(Setting(kind=Kind(kind), **fields))

    def _log(self, *, tells: bool, refused: int | None = None) -> None:
        self._plex.log.tells, self._plex.log.refused = tells, refused

    def _playing(self, *, key: str, state: str) -> None:
        self._plex.sessions.change(key, PlayState(state))

    def _requests(self) -> list[dict[str, Any]]:
        return [
            {"method": entry.method, "path": entry.path, "status": entry.status}
            for entry in self._plex.requests
        ]
