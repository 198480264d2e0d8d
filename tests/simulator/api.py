"""The answers of the server's API; strict: what is not here is not found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .messages import Answer, Ask
from .preferences import PreferenceError, UnknownPreferenceError
from .row_texts import in_server_language
from .state import ServerState
from .task import StartResult, Task
from .truth import Cause

type Handler = Callable[[ServerState, Ask], Answer]

_OK = Answer()
_BAD_REQUEST = Answer(400)
_NOT_FOUND = Answer(404)
START_STATUS = {
    StartResult.ACCEPTED: 200,
    StartResult.ALREADY_RUNNING: 202,
    StartResult.UNKNOWN_TASK: 404,
}


def get_identity(state: ServerState, _ask: Ask) -> Answer:
    """Say which server this is; the name is not in it."""
    return _container(
        size=0,
        apiVersion="1.2.3",
        claimed=state.claimed,
        machineIdentifier=state.machine_identifier,
        version=state.version,
    )


def get_root(state: ServerState, _ask: Ask) -> Answer:
    """Say more about the server, to any user."""
    folders = ("activities", "butler", "identity", "library", "status", "transcode")
    directory = [{"count": 1, "key": key, "title": key} for key in folders]
    return _container(
        size=len(directory),
        friendlyName=state.name,
        machineIdentifier=state.machine_identifier,
        version=state.version,
        platform="Linux",
        platformVersion="6.12",
        eventStream=True,
        multiuser=True,
        myPlex=True,
        myPlexMappingState="mapped",
        myPlexSigninState="ok",
        myPlexSubscription=True,
        myPlexUsername="robin@example.com",
        ownerFeatures="hardware_transcoding,home,pass",
        transcoderActiveVideoSessions=len(state.sessions.all()),
        updatedAt=int(state.timeline.now),
        Directory=directory,
    )


def get_butler(state: ServerState, ask: Ask) -> Answer:
    """List the tasks; an empty list is left out."""
    tasks = [_task(state, ask, task) for task in state.butler.tasks.values()]
    return Answer(content={"ButlerTasks": {"ButlerTask": tasks} if tasks else {}})


def start_all(state: ServerState, _ask: Ask) -> Answer:
    """Start what is enabled and due."""
    state.butler.start_due(Cause.COMMAND)
    return _OK


def stop_all(state: ServerState, _ask: Ask) -> Answer:
    """Stop everything, running and queued."""
    state.butler.stop_all()
    return _OK


def start_task(state: ServerState, ask: Ask) -> Answer:
    """Start one task: 200, 202 when it runs already, 404 when there is none such."""
    result = state.butler.start(ask.parts[1])
    answer = Answer(START_STATUS[result])
    if result is StartResult.ACCEPTED and state.traits.activity_header:
        return replace(answer, headers={"X-Plex-Activity": state.board.new_uuid()})
    return answer


def stop_task(state: ServerState, ask: Ask) -> Answer:
    """Stop one task: 200, or 404 when it does not run or there is none such."""
    return _OK if state.butler.stop(ask.parts[1]) else _NOT_FOUND


def get_activities(state: ServerState, ask: Ask) -> Answer:
    """List all activities to the owner; nobody else has any."""
    rows = [row.as_dict() for row in state.board.rows.values()] if ask.owner else []
    return _listing("Activity", rows)


def cancel_activity(state: ServerState, ask: Ask) -> Answer:
    """Cancel an activity, which few allow."""
    if (row := state.board.rows.get(ask.parts[1])) is None:
        return _NOT_FOUND
    if not row.cancellable:
        return _BAD_REQUEST
    state.board.end(row.uuid)
    return _OK


def get_preferences(state: ServerState, _ask: Ask) -> Answer:
    """List all settings; too soon after a write that may fail."""
    if _settling(state):
        return _BAD_REQUEST
    return _listing(
        "Setting", [setting.as_dict() for setting in state.preferences.all()]
    )


def get_preference(state: ServerState, ask: Ask) -> Answer:
    """Tell one setting."""
    if _settling(state):
        return _BAD_REQUEST
    if (name := ask.query.get("id", "")) not in state.preferences:
        return _NOT_FOUND
    return _listing("Setting", [state.preferences[name].as_dict()])


def put_preferences(state: ServerState, ask: Ask) -> Answer:
    """Change settings, all that were sent or none."""
    texts = {
        name: text for name, text in ask.query.items() if not name.startswith("X-Plex-")
    }
    try:
        state.write_preferences(texts)
    except UnknownPreferenceError:
        return Answer(state.traits.unknown_preference_status)
    except PreferenceError:
        return _BAD_REQUEST
    return _OK


def get_sessions(state: ServerState, _ask: Ask) -> Answer:
    """Say who is watching."""
    return _listing("Metadata", [session.as_dict() for session in state.sessions.all()])


def _task(state: ServerState, ask: Ask, task: Task) -> dict[str, Any]:
    foreign = state.traits.foreign_rows and not ask.english
    spec = task.spec
    return {
        "name": spec.name,
        "interval": spec.interval,
        "scheduleRandomized": spec.randomized,
        "enabled": state.butler.is_enabled(task),
        "title": in_server_language(spec.title) if foreign else spec.title,
        "description": spec.description,
    }


def _settling(state: ServerState) -> bool:
    return state.timeline.now < state.written_at + state.traits.preferences_settle


def _container(**body: Any) -> Answer:
    return Answer(content={"MediaContainer": body})


def _listing(key: str, items: list[dict[str, Any]]) -> Answer:
    return _container(size=len(items), **({key: items} if items else {}))
