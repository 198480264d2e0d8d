"""The server's API without sockets: requests, who may ask what, answers, their form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from .butler import Cause
from .profiles import in_server_language

if TYPE_CHECKING:
    from .simulated_plex import SimulatedPlex

# In XML a stream is named after what is watched.
_TAGS = {"Metadata": "Video"}
# So many private characters stand for the bytes from 0 to 255.
_RAW = 0xE000
_BYTES = {
    _RAW + byte: chr(byte if byte < 0x80 else 0xDC00 + byte) for byte in range(256)
}
_LONE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A request; `parts` is the unquoted path, split at its slashes."""

    method: str
    parts: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    owner: bool = False
    # As the log has them: the path with its query, and the client's address.
    target: str = ""
    peer: str = ""

    @property
    def token(self) -> str | None:
        """Return the token; the header counts before the query does."""
        return self.headers.get("X-Plex-Token") or self.query.get("X-Plex-Token")

    @property
    def wants_json(self) -> bool:
        return "application/json" in self.headers.get("Accept", "")

    @property
    def english(self) -> bool:
        """Return True if the client wants titles in English, which is the default."""
        return self.headers.get("Accept-Language", "en").lower().startswith("en")


@dataclass(frozen=True)
class Answer:
    """An answer: content to be encoded, or no content and a page."""

    status: int = 200
    content: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def page(status: int) -> str:
    reason = HTTPStatus(status).phrase
    head = f"<head><title>{reason}</title></head>"
    return f"<html>{head}<body><h1>{status} {reason}</h1></body></html>"


def raw(byte: int) -> str:
    """Return what is sent as this byte alone, be it no UTF-8 or no JSON there."""
    return chr(_RAW + byte)


def to_bytes(text: str) -> bytes:
    """Return a text as it is sent; lone surrogates become escapes, as in JSON."""
    text = _LONE.sub(lambda lone: f"\\u{ord(lone[0]):04x}", text)
    return text.translate(_BYTES).encode("utf-8", "surrogateescape")


def to_json(content: Mapping[str, Any], *, loose: bool) -> str:
    """Return JSON; loose types are numbers as strings and booleans as "1" or "0"."""
    return json.dumps(_loosen(content) if loose else content, ensure_ascii=False)


def to_xml(content: Mapping[str, Any]) -> str:
    """Return XML: scalars are attributes, the rest are elements."""
    ((tag, body),) = content.items()
    text = ET.tostring(_element(tag, body), encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _element(tag: str, body: Mapping[str, Any]) -> ET.Element:
    element = ET.Element(_TAGS.get(tag, tag))
    for key, value in body.items():
        if isinstance(value, Mapping):
            element.append(_element(key, value))
        elif isinstance(value, list):
            element.extend(_element(key, item) for item in value)
        else:
            element.set(key, _attribute(value))
    return element


def _attribute(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _loosen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _loosen(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_loosen(item) for item in value]
    return value if value is None or isinstance(value, str) else _attribute(value)


type Handler = Callable[[SimulatedPlex, Ask], Answer]

_OK = Answer()
_BAD_REQUEST = Answer(400)
_NOT_FOUND = Answer(404)


def _get_identity(plex: SimulatedPlex, _ask: Ask) -> Answer:
    return _container(
        size=0,
        apiVersion="1.2.3",
        claimed=plex.claimed,
        machineIdentifier=plex.machine_identifier,
        version=plex.version,
    )


def _get_root(plex: SimulatedPlex, _ask: Ask) -> Answer:
    has = ("eventStream", "multiuser", "myPlex", "myPlexSubscription")
    return _container(
        size=0,
        friendlyName=plex.name,
        machineIdentifier=plex.machine_identifier,
        version=plex.version,
        myPlexUsername="robin@example.com",
        transcoderActiveVideoSessions=len(plex.sessions.open),
        updatedAt=int(plex.state.timeline.now),
        **dict.fromkeys(has, True),
    )


def _get_butler(plex: SimulatedPlex, ask: Ask) -> Answer:
    """List the tasks; an empty list is left out."""
    foreign = plex.state.traits.foreign_rows and not ask.english
    tasks = [
        {
            "name": task.name,
            "interval": task.spec.interval,
            "scheduleRandomized": task.spec.randomized,
            "enabled": plex.butler.is_enabled(task),
            "title": (in_server_language if foreign else str)(task.spec.title),
            "description": task.spec.description,
        }
        for task in plex.butler.tasks.values()
    ]
    return Answer(content={"ButlerTasks": {"ButlerTask": tasks} if tasks else {}})


def _start_all(plex: SimulatedPlex, _ask: Ask) -> Answer:
    plex.butler.start_due(Cause.COMMAND)
    return _OK


def _stop_all(plex: SimulatedPlex, _ask: Ask) -> Answer:
    plex.butler.stop_all()
    return _OK


def _start_task(plex: SimulatedPlex, ask: Ask) -> Answer:
    status = plex.butler.start(ask.parts[1])
    if status == 200 and plex.state.traits.activity_header:
        return Answer(headers={"X-Plex-Activity": plex.state.board.new_uuid()})
    return Answer(status)


def _stop_task(plex: SimulatedPlex, ask: Ask) -> Answer:
    return _OK if plex.butler.stop(ask.parts[1]) else _NOT_FOUND


def _get_activities(plex: SimulatedPlex, ask: Ask) -> Answer:
    rows = (
        [row.as_dict() for row in plex.state.board.rows.values()] if ask.owner else []
    )
    return _listing("Activity", rows)


def _get_preferences(plex: SimulatedPlex, ask: Ask) -> Answer:
    """List all settings, or the one that is asked for, some time after a change."""
    if (
        plex.state.timeline.now
        < plex.state.written_at + plex.state.traits.preferences_settle
    ):
        return _BAD_REQUEST
    settings = [setting.as_dict() for setting in plex.state.preferences.values()]
    if ask.parts[-1] == "get":
        settings = [it for it in settings if it["id"] == ask.query.get("id")]
    return _listing("Setting", settings) if settings else _NOT_FOUND


def _put_preferences(plex: SimulatedPlex, ask: Ask) -> Answer:
    """Change settings, all that were sent or none."""
    sent = {it: to for it, to in ask.query.items() if not it.startswith("X-Plex-")}
    settings = plex.state.preferences
    if sent.keys() - settings.keys():
        return Answer(plex.state.traits.unknown_preference_status)
    try:
        values = {name: settings[name].parse(text) for name, text in sent.items()}
    except KeyError, ValueError:
        return _BAD_REQUEST
    for name, value in values.items():
        settings.set(name, value)
    plex.state.written_at = plex.state.timeline.now
    return _OK


def _get_sessions(plex: SimulatedPlex, _ask: Ask) -> Answer:
    return _listing("Metadata", list(plex.sessions.open.values()))


def _container(**body: Any) -> Answer:
    return Answer(content={"MediaContainer": body})


def _listing(key: str, items: list[dict[str, Any]]) -> Answer:
    return _container(size=len(items), **({key: items} if items else {}))


@dataclass(frozen=True)
class Route:
    """A way to a handler; `*` in the path stands for one part of any name."""

    method: str
    path: str
    handler: Handler
    owner_only: bool = True

    def matches(self, parts: tuple[str, ...]) -> bool:
        """Return True if the path is this one; a slash at the end makes it another."""
        own = tuple(self.path.split("/"))
        return len(own) == len(parts) and all(
            mine == part or (mine == "*" and part)
            for mine, part in zip(own, parts, strict=True)
        )


IDENTITY = Route("GET", "identity", _get_identity, owner_only=False)
ROUTES: tuple[Route, ...] = (
    Route("GET", "", _get_root, owner_only=False),
    Route("GET", "butler", _get_butler),
    Route("POST", "butler", _start_all),
    Route("DELETE", "butler", _stop_all),
    Route("POST", "butler/*", _start_task),
    Route("DELETE", "butler/*", _stop_task),
    Route("GET", "activities", _get_activities, owner_only=False),
    Route("GET", ":/prefs", _get_preferences),
    Route("PUT", ":/prefs", _put_preferences),
    Route("GET", ":/prefs/get", _get_preferences),
    Route("GET", "status/sessions", _get_sessions),
)


def admits(plex: SimulatedPlex, ask: Ask) -> bool:
    """Return True if the server knows the token; an unclaimed one knows none."""
    return plex.claimed and ask.token in (plex.token, plex.shared_token)


def answer(plex: SimulatedPlex, ask: Ask) -> Answer:
    """Answer as the server does: the token counts first, then the path, then rights."""
    if ask.method == IDENTITY.method and IDENTITY.matches(ask.parts):
        return IDENTITY.handler(plex, ask)
    if not admits(plex, ask):
        return Answer(401)
    routes = [route for route in (IDENTITY, *ROUTES) if route.matches(ask.parts)]
    if not routes:
        return _NOT_FOUND
    ask = replace(ask, owner=ask.token == plex.token)
    for route in routes:
        if route.method == ask.method:
            if route.owner_only and not ask.owner:
                return Answer(plex.state.traits.not_owner_status)
            return route.handler(plex, ask)
    return Answer(405)
