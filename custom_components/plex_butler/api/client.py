"""A client for the parts of a Plex Media Server that concern its Butler."""

from asyncio import Lock, Task, create_task, gather, sleep
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from time import time
from typing import Any, Final
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from . import models
from .log_lines import LogStream
from .notifications import NotificationStream, open_stream
from .transport import (
    PlexAddressError,
    PlexAuthenticationError,
    PlexError,
    PlexForbiddenError,
    PlexNotOwnerError,
    PlexPreferenceError,
    PlexResponseError,
    PlexWrongServerError,
    request,
    token_header,
)

# Characters; a night's burst of Butler's own is shorter.
_MAX_RECORDED: Final = 32_768
# Everything else is for the owner alone.
_FOR_ALL_USERS: Final = frozenset({"/identity", "/", "/activities"})
# Read often, and mostly the same as before
_POLLED: Final = frozenset({"/butler", "/activities"})


# Something that happened: when, of which kind, and the frame, answer, line or command
type Recorded = tuple[float, str, object]


class PlexClient:
    """Speaks to one server with one token.

    A client that knows its server's `machine_identifier` sends the token only to that
    server: `/identity` has to name it first, and again after each failure of the
    connection and each call of `require_verification`. This protects from mistakes,
    such as an address that another server was given; an impostor can repeat the
    identifier.
    Every method raises a `PlexError`.
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
        """Create a client for a base URL; the caller closes the session."""
        try:
            self.url = str(URL(url)).rstrip("/")
        except ValueError as err:
            raise PlexAddressError("The address is not a URL") from err
        # For bug reports: what servers really say is known from few of them.
        self.last_answers: dict[str, object] = {}
        self.record: deque[Recorded] = deque(maxlen=200)
        self._butler_rows: tuple[models.Activity, ...] = ()
        # By path, the newest body with what it means
        self._decoded: dict[str, tuple[bytes, Any]] = {}
        # Requests that were sent before their answers are needed
        self._prefetched: dict[str, Task[tuple[int, bytes]]] = {}
        self._session = session
        self._token = token
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

    def record_event(self, kind: str, what: object) -> None:
        """Keep something that happened, with its time, for bug reports."""
        size = len(what if isinstance(what, bytes) else repr(what))
        if size <= _MAX_RECORDED:
            self.record.append((time(), kind, what))

    async def get_identity(self) -> models.Server:
        """Return which server answers; the token is not sent: `GET /identity`."""
        try:
            return await self._get("/identity", models.parse_server)
        except PlexAuthenticationError as err:
            # No token was sent, so something in front of the server refuses access.
            raise PlexForbiddenError("Access to the server is refused") from err

    async def verify(self) -> None:
        """Raise PlexWrongServerError if `get_identity` names another server."""
        found = (await self.get_identity()).machine_identifier
        self._is_verified = found == self._machine_identifier
        if not self._is_verified:
            raise PlexWrongServerError("Another server answers at this address")

    def require_verification(self) -> None:
        """Have the server verified before the token is sent again."""
        self._is_verified = False

    async def get_server(self) -> models.Server:
        """Return the server's name and version; any user's token will do: `GET /`."""
        return await self._get("/", models.parse_server)

    async def get_butler_tasks(self) -> tuple[models.ButlerTask, ...]:
        """Return all tasks that this server's Butler knows: `GET /butler`."""
        return await self._get("/butler", models.parse_butler_tasks)

    async def get_activities(self) -> tuple[models.Activity, ...]:
        """Return what the server is doing, Butler's or not: `GET /activities`."""
        activities = await self._get("/activities", models.parse_activities)
        butler_rows = tuple(it for it in activities if it.is_butler)
        if butler_rows != self._butler_rows:
            self._butler_rows = butler_rows
            self.record_event("activities", self.last_answers["/activities"])
        return activities

    async def get_preferences(self) -> tuple[models.Preference, ...]:
        """Return the server's settings: `GET /:/prefs`."""
        return await self._get("/:/prefs", models.parse_preferences)

    async def set_preferences(
        self, values: Mapping[str, models.PreferenceValue]
    ) -> tuple[models.Preference, ...]:
        """Change settings, all or none, and return all: `PUT /:/prefs?Id=value`.

        Hours of the window are 0 to 23, on the server's own clock. That nothing is
        raised does not mean that the values were taken: compare what is returned.
        Raises PlexPreferenceError if there is no such setting, or not with that value.
        """
        written = {
            name: int(value) if isinstance(value, bool) else value
            for name, value in values.items()
        }
        query = urlencode(written, quote_via=quote, errors="replace")
        try:
            await self._send("PUT", f"/:/prefs?{query}")
        except PlexNotOwnerError as err:
            # Some servers also say so of a setting that they do not have.
            await self.get_preferences()
            raise PlexPreferenceError("The server refused", status=403) from err
        except PlexResponseError as err:
            if err.status == 400:
                raise PlexPreferenceError(str(err), status=400) from err
            raise
        # A server that was just given other settings does not tell them for a while.
        for _ in range(10):
            try:
                return await self.get_preferences()
            except PlexResponseError as err:
                if err.status != 400:
                    raise
            await sleep(0.5)
        return await self.get_preferences()

    @asynccontextmanager
    async def notifications(
        self, *, filters: Iterable[str] = ()
    ) -> AsyncIterator[NotificationStream]:
        """Open the stream of what happens: `/:/websockets/notifications`.

        `filters` are the types of messages to send; none means all of them.
        """
        url = URL(f"{self.url}/:/websockets/notifications", encoded=True)
        if names := ",".join(filters):
            url = url.with_query(filters=names)
        headers = await self._verified_headers()
        keep, guard = partial(self.record_event, "frame"), self._guard()
        async with open_stream(self._session, url, headers, keep, guard) as stream:
            try:
                yield stream
            finally:
                self.require_verification()

    @asynccontextmanager
    async def log_stream(self) -> AsyncIterator[LogStream]:
        """Open the same WebSocket for the server's log, which has to be asked for."""
        async with self.notifications(filters=("log",)) as stream:
            yield LogStream(stream)

    async def start_all_tasks(self) -> None:
        """Ask for all tasks that are enabled and due today: `POST /butler`."""
        await self._command("POST")

    async def stop_all_tasks(self) -> None:
        """Stop all tasks, and forget those that wait: `DELETE /butler`."""
        await self._command("DELETE")

    async def start_task(self, name: str) -> models.StartResult:
        """Ask for one task: `POST /butler/{name}`.

        `STARTED` may also mean that the server queued it.
        Raises PlexResponseError with status 404 if there is no such task.
        """
        if await self._command("POST", name) == 202:
            return models.StartResult.ALREADY_RUNNING
        return models.StartResult.STARTED

    async def stop_task(self, name: str) -> models.StopResult:
        """Stop one task, or take it off the queue: `DELETE /butler/{name}`.

        The server does not tell "not running" from "no such task".
        """
        try:
            await self._command("DELETE", name)
        except PlexResponseError as err:
            if err.status != 404:
                raise
            return models.StopResult.NOT_RUNNING
        return models.StopResult.STOPPED

    @asynccontextmanager
    async def prefetch(self, *paths: str) -> AsyncIterator[None]:
        """Send the requests for these paths now; later reads use the answers."""
        await self._verified_headers()
        self._prefetched = {it: create_task(self._send("GET", it)) for it in paths}
        try:
            yield
        finally:
            unread, self._prefetched = self._prefetched.values(), {}
            for task in unread:
                task.cancel()
            await gather(*unread, return_exceptions=True)

    async def _get[T](self, path: str, parse: Callable[[object], T]) -> T:
        """Return what an answer means; bytes that are known are not decoded again."""
        prefetched = self._prefetched.pop(path, None)
        _, body = await (prefetched or self._send("GET", path))
        if path not in _POLLED:
            return parse(models.decode(body))
        known = self._decoded.get(path)
        if known is None or known[0] != body:
            self.last_answers[path] = answer = models.decode(body)
            known = self._decoded[path] = body, parse(answer)
        meaning: T = known[1]
        return meaning

    async def _command(self, method: str, task: str | None = None) -> int:
        path = "/butler"
        if task is not None:
            path += f"/{quote(task, safe='', errors='replace')}"
        self.record_event("command", f"{method} {path}")
        try:
            status, _ = await self._send(method, path)
        except PlexNotOwnerError as err:
            # If the list is allowed, the token is the owner's: a proxy refuses commands.
            await self.get_butler_tasks()
            raise PlexForbiddenError("Access is refused to commands") from err
        return status

    async def _send(self, method: str, path: str) -> tuple[int, bytes]:
        """Return an answer; `/identity` is asked of any server, without the token."""
        is_public = path == "/identity"
        headers = self._headers if is_public else await self._verified_headers()
        guards = () if is_public else (self._guard(),)
        url = URL(f"{self.url}{path}", encoded=True)
        # Other bodies say nothing: they are empty or a page of HTML.
        is_read = method == "GET"
        try:
            return await request(
                self._session, method, url, headers, guards, reads_body=is_read
            )
        except PlexError as err:
            if not isinstance(err, PlexResponseError) or err.status >= 500:
                # Another server may answer at the address next time.
                self.require_verification()
            if isinstance(err, PlexForbiddenError) and path not in _FOR_ALL_USERS:
                raise PlexNotOwnerError("The token is not the owner's") from err
            raise

    def _guard(self) -> aiohttp.ClientMiddlewareType:
        """Return what keeps a request from other servers, also when it is sent anew."""
        is_repeat = False

        async def guard(
            request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
        ) -> aiohttp.ClientResponse:
            nonlocal is_repeat
            # A WebSocket cannot be told not to follow redirects.
            if (origin := request.url.origin()) != URL(self.url).origin():
                raise PlexResponseError(f"The server redirects to {origin}")
            # aiohttp repeats a request whose connection broke; another may answer now.
            if is_repeat and self._machine_identifier is not None:
                await self.verify()
            is_repeat = True
            return await handler(request)

        return guard

    async def _verified_headers(self) -> dict[str, str]:
        """Return the headers with the token, once the server has been verified."""
        headers = self._headers | token_header(self._token)
        if self._machine_identifier is not None:
            async with self._verify_lock:
                if not self._is_verified:
                    await self.verify()
        return headers
