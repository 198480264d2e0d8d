"""Looks for tokens where none belongs: in logs, states, repairs and addresses."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
import logging
from typing import Final, override
from unittest.mock import patch

from aiohttp import web
from homeassistant.core import Event, EventStateChangedData, callback
from homeassistant.helpers import issue_registry as ir

from tests.simulator import ACCOUNT_TOKEN, OWNER_TOKEN, SHARED_TOKEN, RecordedRequest

SECRETS: Final = (OWNER_TOKEN, SHARED_TOKEN, ACCOUNT_TOKEN)
# The one place where servers expect it; addresses end up in the logs of others.
_ITS_PLACE: Final = "x-plex-token"


def has_secret(text: str) -> bool:
    """Tell if a token is in a text."""
    return any(secret in text for secret in SECRETS)


class Leaks(logging.Handler):
    """Takes note of every token that it meets, and of where that was."""

    def __init__(self) -> None:
        """Know of none."""
        super().__init__(logging.DEBUG)
        self.found: list[str] = []
        self._plain = logging.Formatter()

    def look(self, where: str, text: str) -> None:
        """Look at a text of any kind."""
        if has_secret(text):
            self.found.append(f"{where}: {text}")

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Look at a line of the log, with the trace that it has."""
        self.look(f"log of {record.name}", self._plain.format(record))

    @callback
    def async_state_changed(self, event: Event[EventStateChangedData]) -> None:
        """Look at every state as it comes."""
        if state := event.data["new_state"]:
            self.look("state", f"{state.entity_id} {state.state} {state.attributes}")

    def look_at_issues(self, issues: Iterable[ir.IssueEntry]) -> None:
        """Look at repairs."""
        for issue in issues:
            self.look("repair", repr(issue))

    @contextmanager
    def among_requests(self) -> Iterator[None]:
        """Look at all requests, those that a test forgets as well."""
        record = RecordedRequest.of

        def remember(request: web.BaseRequest, now: float) -> RecordedRequest:
            recorded = record(request, now)
            headers = [
                it for it in recorded.headers.items() if it[0].lower() != _ITS_PLACE
            ]
            self.look("request", f"{recorded.path} {recorded.query} {headers}")
            return recorded

        # How the simulated servers write down what they were asked.
        with patch.object(RecordedRequest, "of", remember):
            yield

    @contextmanager
    def in_logs(self) -> Iterator[None]:
        """Look at all that is logged, however unimportant."""
        root = logging.getLogger()
        level = root.level
        root.addHandler(self)
        root.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            root.setLevel(level)
            root.removeHandler(self)
