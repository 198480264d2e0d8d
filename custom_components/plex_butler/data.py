"""What the coordinator holds, as frozen data."""

from collections.abc import Mapping
from dataclasses import dataclass

from .api import ButlerTask, Preference, Server
from .run_state import ButlerView, Window


@dataclass(frozen=True, kw_only=True, slots=True)
class PlexButlerData:
    """What is known of a server and its Butler; `preferences` are the schedule's."""

    server: Server
    tasks: Mapping[str, ButlerTask]
    runs: ButlerView
    preferences: Mapping[str, Preference]
    window: Window | None
