"""Which path and method lead where, and who may go there."""

from __future__ import annotations

from dataclasses import dataclass, replace

from . import api
from .messages import Answer, Ask
from .state import ServerState


@dataclass(frozen=True)
class Route:
    """A way to an answer; `*` in the path stands for one part of any name."""

    method: str
    path: str
    handler: api.Handler
    owner_only: bool = True

    def leads(self, parts: tuple[str, ...]) -> bool:
        """Return if the path is this one; a slash at the end makes it another."""
        own = tuple(self.path.split("/"))
        if len(own) != len(parts):
            return False
        return all(
            mine == part or (mine == "*" and part)
            for mine, part in zip(own, parts, strict=True)
        )


IDENTITY = Route("GET", "identity", api.get_identity, owner_only=False)
_ROUTES = (
    IDENTITY,
    Route("GET", "", api.get_root, owner_only=False),
    Route("GET", "butler", api.get_butler),
    Route("POST", "butler", api.start_all),
    Route("DELETE", "butler", api.stop_all),
    Route("POST", "butler/*", api.start_task),
    Route("DELETE", "butler/*", api.stop_task),
    Route("GET", "activities", api.get_activities, owner_only=False),
    Route("DELETE", "activities/*", api.cancel_activity),
    Route("GET", ":/prefs", api.get_preferences),
    Route("PUT", ":/prefs", api.put_preferences),
    Route("GET", ":/prefs/get", api.get_preference),
    Route("GET", "status/sessions", api.get_sessions),
)


@dataclass
class Doorman:
    """Knows the tokens."""

    owner_token: str
    shared_token: str

    def admits(self, state: ServerState, ask: Ask) -> bool:
        """Return if the token is anybody's; an unclaimed server knows nobody."""
        known = (self.owner_token, self.shared_token)
        return state.claimed and ask.token in known

    def is_owner(self, ask: Ask) -> bool:
        """Return if the token is the owner's."""
        return ask.token == self.owner_token


def answer(state: ServerState, doorman: Doorman, ask: Ask) -> Answer:
    """Answer as the server does: first who asks, then what, then whether they may."""
    if ask.method == IDENTITY.method and IDENTITY.leads(ask.parts):
        return IDENTITY.handler(state, ask)
    if not doorman.admits(state, ask):
        return Answer(401)
    routes = [route for route in _ROUTES if route.leads(ask.parts)]
    if not routes:
        return Answer(404)
    for route in routes:
        if route.method == ask.method:
            return _enter(route, state, replace(ask, owner=doorman.is_owner(ask)))
    return Answer(405)


def _enter(route: Route, state: ServerState, ask: Ask) -> Answer:
    if route.owner_only and not ask.owner:
        return Answer(state.traits.not_owner_status)
    return route.handler(state, ask)
