"""A client for the parts of a Plex Media Server that concern its Butler."""

from asyncio import Lock, sleep
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from time import time
from typing import Final, NamedTuple
from urllib.parse import quote

import aiohttp
from yarl import URL

from .decode import loads
from .exceptions import (
    PlexAddressError,
    PlexAuthenticationError,
    PlexError,
    PlexForbiddenError,
    PlexNotOwnerError,
    PlexPreferenceError,
    PlexResponseError,
    PlexWrongServerError,
)
from .log_lines import LogStream
from .models import (
    BUTLER,
    Activity,
    ButlerTask,
    Identity,
    Preference,
    PreferenceValue,
    Server,
    StartResult,
    StopResult,
    parse_activities,
    parse_butler_tasks,
    parse_identity,
    parse_preferences,
    parse_server,
    query_of,
)
from .notifications import NotificationStream, open_stream
from .transport import TIMEOUT, network_errors, read, status_error, token_header

# A server that has just been given other settings refuses to tell them for a while.
SETTLE_WAIT: Final = 0.5
SETTLE_TRIES: Final = 11
# What is kept of answers and notifications.
KEPT_ANSWERS: Final = frozenset({"/butler", "/activities"})
KEPT_EVENTS: Final = 200
# Everything else is for the owner alone.
_FOR_ALL_USERS: Final = frozenset({"/identity", "/", "/activities"})


class Recorded(NamedTuple):
    """Something that happened: a frame, an answer, a line of the log or a command."""

    at: float
    kind: str
    what: object


class PlexClient:
    """Speaks to one server with one token.

    A client that knows its server's `machine_identifier` sends the token only to that
    server: first, and again after each failure of the connection or whenever there is
    doubt, `/identity` has to name it. This protects from mistakes, such as an address that another server was
    given; an impostor can repeat the identifier.

    Every method raises a `PlexError`: connection (time-out, TLS), authentication (401),
    not the owner or forbidden (403), maintenance (503), wrong server or response
    (anything else that is not what a Plex Media Server answers).
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        token: str | None = None,
        *,
        client_identifier: str,
        machine_identifier: str | None = None,
    ) -> None:
        """Take the server's base URL, any path prefix included.

        The session is the caller's, as is closing it. `client_identifier` names this
        client to the server and should stay the same for years.
        Raises PlexAddressError for what is no URL.
        """
        try:
            self.url = str(URL(url)).rstrip("/")
        except ValueError as err:
            raise PlexAddressError("The address is not a URL") from err
        # For bug reports: what servers really say is known from few of them.
        self.last_answers: dict[str, object] = {}
        self.record: deque[Recorded] = deque(maxlen=KEPT_EVENTS)
        self._own_rows: tuple[Activity, ...] = ()
        self._session = session
        self._machine_identifier = machine_identifier
        self._is_verified = False
        self._verify_lock = Lock()
        self._headers = {
            # Without it the server answers in XML.
            "Accept": "application/json",
            # The titles of tasks and of activities must be of one language.
            "Accept-Language": "en",
            "X-Plex-Client-Identifier": client_identifier,
            "X-Plex-Product": "Plex Butler",
        }
        self._token = token

    def keep(self, kind: str, what: object) -> None:
        """Keep something that happened, with its time, for bug reports."""
        self.record.append(Recorded(time(), kind, what))

    async def get_identity(self) -> Identity:
        """Return which server answers; the token is not sent.

        Source: `GET /identity`.
        """
        try:
            return parse_identity(await self._get("/identity", is_public=True))
        except PlexAuthenticationError as err:
            # No token was sent, so something in front of the server refuses access.
            raise PlexForbiddenError("Access to the server is refused") from err

    async def verify(self) -> None:
        """Raise PlexWrongServerError if another server answers; the token is not sent.

        Source: `GET /identity`.
        """
        found = (await self.get_identity()).machine_identifier
        self._is_verified = found == self._machine_identifier
        if not self._is_verified:
            raise PlexWrongServerError(found=found)

    def doubt(self) -> None:
        """Have the server verified before the token is sent again."""
        self._is_verified = False

    async def get_server(self) -> Server:
        """Return the server's name and version; any valid user's token will do.

        Source: `GET /`.
        """
        return parse_server(await self._get("/"))

    async def get_butler_tasks(self) -> tuple[ButlerTask, ...]:
        """Return all tasks that this server's Butler knows.

        Source: `GET /butler`.
        """
        return parse_butler_tasks(await self._get("/butler"))

    async def get_activities(self) -> tuple[Activity, ...]:
        """Return what the server is doing now, Butler's work or not.

        Source: `GET /activities`.
        """
        answer = await self._get("/activities")
        activities = parse_activities(answer)
        own_rows = tuple(it for it in activities if it.type.casefold() == BUTLER)
        if own_rows != self._own_rows:
            self._own_rows = own_rows
            self.keep("activities", answer)
        return activities

    async def get_preferences(self) -> tuple[Preference, ...]:
        """Return the server's settings.

        Source: `GET /:/prefs`.
        """
        return parse_preferences(await self._get("/:/prefs"))

    async def set_preferences(
        self, values: Mapping[str, PreferenceValue]
    ) -> tuple[Preference, ...]:
        """Change settings, all or none; return all settings as they are afterwards.

        Hours of the window are 0 to 23, on the server's own clock. That nothing is
        raised does not mean that the values were taken: compare what is returned.
        Raises PlexPreferenceError if there is no such setting, or not with that value.
        Source: `PUT /:/prefs?Id=value&Id2=value2`.
        """
        try:
            await self._command("PUT", f"/:/prefs?{query_of(values)}")
        except PlexNotOwnerError as err:
            # Some servers also say so of a setting that they do not have.
            await self.get_preferences()
            raise PlexPreferenceError("The server refused", status=403) from err
        except PlexResponseError as err:
            if err.status == HTTPStatus.BAD_REQUEST:
                raise PlexPreferenceError(str(err), status=err.status) from err
            raise
        return await self._settled_preferences()

    @asynccontextmanager
    async def notifications(
        self, *, filters: Iterable[str] = ()
    ) -> AsyncIterator[NotificationStream]:
        """Open the stream of what happens on the server.

        `filters` are the types of messages to send; none means all of them.
        Source: WebSocket `/:/websockets/notifications`.
        """
        url = URL(f"{self.url}/:/websockets/notifications", encoded=True)
        if names := ",".join(filters):
            url = url.with_query(filters=names)
        await self._verify_once()
        async with open_stream(
            self._session, url, self._headers_with_token(), partial(self.keep, "frame")
        ) as stream:
            try:
                yield stream
            finally:
                self._is_verified = False

    @asynccontextmanager
    async def log_stream(self) -> AsyncIterator[LogStream]:
        """Open the stream of the server's log, of which only lines of tasks are read.

        Source: the same WebSocket, which sends the log only to those who ask for it.
        """
        async with self.notifications(filters=("log",)) as stream:
            yield LogStream(stream)

    async def start_all_tasks(self) -> None:
        """Ask for all tasks that are enabled and due today.

        Source: `POST /butler`.
        """
        await self._butler_command("POST", "/butler")

    async def stop_all_tasks(self) -> None:
        """Stop all running tasks and forget those that wait for their time.

        Source: `DELETE /butler`.
        """
        await self._butler_command("DELETE", "/butler")

    async def start_task(self, name: str) -> StartResult:
        """Ask for one task; `STARTED` may also mean that the server queued it.

        Raises PlexResponseError with status 404 if there is no such task.
        Source: `POST /butler/{name}`.
        """
        status = await self._butler_command("POST", _task_path(name))
        if status == HTTPStatus.ACCEPTED:
            return StartResult.ALREADY_RUNNING
        return StartResult.STARTED

    async def stop_task(self, name: str) -> StopResult:
        """Stop one task, or take it off the queue.

        The server does not tell "not running" from "no such task".
        Source: `DELETE /butler/{name}`.
        """
        status = await self._butler_command(
            "DELETE", _task_path(name), accept=HTTPStatus.NOT_FOUND
        )
        if status == HTTPStatus.NOT_FOUND:
            return StopResult.NOT_RUNNING
        return StopResult.STOPPED

    async def _settled_preferences(self) -> tuple[Preference, ...]:
        """Return the settings, once the server is done with writing them."""
        for _ in range(SETTLE_TRIES - 1):
            try:
                return await self.get_preferences()
            except PlexResponseError as err:
                if err.status != HTTPStatus.BAD_REQUEST:
                    raise
            await sleep(SETTLE_WAIT)
        return await self.get_preferences()

    async def _verify_once(self) -> None:
        """Verify the server unless no connection has failed since it was verified."""
        if self._machine_identifier is None:
            return
        async with self._verify_lock:
            if not self._is_verified:
                await self.verify()

    async def _get(self, path: str, *, is_public: bool = False) -> object:
        async with self._request("GET", path, is_public=is_public) as response:
            body = await read(response)
        answer = loads(body)
        if path in KEPT_ANSWERS:
            self.last_answers[path] = answer
        return answer

    async def _butler_command(
        self, method: str, path: str, *, accept: HTTPStatus | None = None
    ) -> int:
        try:
            return await self._command(method, path, accept=accept)
        except PlexNotOwnerError as err:
            # Who may look is the owner: what refuses commands alone is not the server.
            await self.get_butler_tasks()
            raise PlexForbiddenError("Access is refused to commands") from err

    async def _command(
        self, method: str, path: str, *, accept: HTTPStatus | None = None
    ) -> int:
        if path.startswith("/butler"):
            self.keep("command", f"{method} {path}")
        # The body says nothing: it is empty or a page of HTML, JSON asked for or not.
        async with self._request(method, path, accept=accept) as response:
            return response.status

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        *,
        accept: HTTPStatus | None = None,
        is_public: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send one request; every error of the network or of HTTP leaves as ours.

        A public request goes to any server, and without the token.
        """
        headers: Mapping[str, str] = self._headers
        if not is_public:
            headers = self._headers_with_token()
            await self._verify_once()
        try:
            with network_errors():
                async with self._session.request(
                    method,
                    URL(f"{self.url}{path}", encoded=True),
                    headers=headers,
                    timeout=TIMEOUT,
                    # A redirect would carry the token to wherever it points.
                    allow_redirects=False,
                ) as response:
                    if not 200 <= response.status < 300 and response.status != accept:
                        raise status_error(
                            response.status,
                            response.headers,
                            owner_only=path not in _FOR_ALL_USERS,
                        )
                    yield response
        except PlexError as err:
            if not isinstance(err, PlexResponseError) or (err.status or 0) >= 500:
                # Another server may answer at the address next time.
                self._is_verified = False
            raise

    def _headers_with_token(self) -> Mapping[str, str]:
        return self._headers | (token_header(self._token) if self._token else {})


def _task_path(name: str) -> str:
    return f"/butler/{quote(name, safe='', errors='replace')}"
