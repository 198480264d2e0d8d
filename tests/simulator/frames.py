"""Notifications in the shapes in which the server sends them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .activities import Row, RowEvent
from .preferences import Setting

LIBRARY = "com.plexapp.plugins.library"


@dataclass(frozen=True)
class Frame:
    """One message: its type, and the elements under its key."""

    type: str
    key: str
    elements: tuple[Mapping[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the message."""
        body = {
            "type": self.type,
            "size": len(self.elements),
            self.key: list(self.elements),
        }
        return {"NotificationContainer": body}


def activity_frame(event: RowEvent, row: Row) -> Frame:
    """Say that an activity started, changed or ended."""
    element = {"event": str(event), "uuid": row.uuid, "Activity": row.as_dict()}
    return Frame("activity", "ActivityNotification", (element,))


def preference_frame(setting: Setting) -> Frame:
    """Say that a setting has another value."""
    return Frame("preference", "Setting", (setting.as_dict(),))


def status_frame(title: str, description: str = "") -> Frame:
    """Say something to people."""
    element = {
        "title": title,
        "description": description,
        "notificationName": "LIBRARY_UPDATE",
    }
    return Frame("status", "StatusNotification", (element,))


def timeline_frame(item: int, title: str, state: int, now: float) -> Frame:
    """Say how far an item of the library has come."""
    element = {
        "identifier": LIBRARY,
        "sectionID": "1",
        "itemID": str(item),
        "type": 1,
        "title": title,
        "state": state,
        "updatedAt": int(now),
    }
    return Frame("timeline", "TimelineEntry", (element,))


def playing_frame(session_key: str, rating_key: str, state: str, offset: int) -> Frame:
    """Say that somebody began, paused or stopped watching."""
    element = {
        "sessionKey": session_key,
        "clientIdentifier": f"player-{session_key}",
        "guid": "",
        "ratingKey": rating_key,
        "url": "",
        "key": f"/library/metadata/{rating_key}",
        "viewOffset": offset,
        "state": state,
    }
    return Frame("playing", "PlaySessionStateNotification", (element,))


def reachability_frame(*, reachable: bool) -> Frame:
    """Say if the server can be reached from outside."""
    return Frame(
        "reachability", "ReachabilityNotification", ({"reachability": reachable},)
    )


def log_frame(message: str) -> Frame:
    """Send a line of the server's log; only those who ask for `log` get it."""
    return Frame("log", "LogNotification", ({"level": 3, "message": message},))
