"""A client for the parts of a Plex Media Server that concern its Butler."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from http import HTTPStatus
import json
from typing import Final
from urllib.parse import quote

import aiohttp
from yarl import URL

from .exceptions import (
    PlexAuthenticationError,
    PlexConnectionError,
    PlexMaintenanceError,
    PlexNotOwnerError,
    PlexResponseError,
    PlexTimeoutError,
    PlexTlsError,
)
from .models import (
    Activity,
    ButlerTask,
    Identity,
    Server,
    parse_activities,
    parse_butler_tasks,
    parse_identity,
    parse_server,
)

# Longer than any healthy answer takes, shorter than people wait for a dialog.
TIMEOUT: Final = aiohttp.ClientTimeout(total=15)
# No answer that we ask for comes near this; a wrong address may stream for ever.
MAX_BODY: Final = 8 * 1024 * 1024


class StartResult(StrEnum):
    """What the server made of a wish to start a task."""

    STARTED = "started"
    ALREADY_RUNNING = "already_running"


class StopResult(StrEnum):
    """What the server made of a wish to stop a task."""

    STOPPED = "stopped"
    NOT_RUNNING = "not_running"


class PlexClient:
    """Speaks to one server with one token.

    Every method raises a `PlexError`: connection (time-out, TLS), authentication (401),
    not the owner (403), maintenance (503) or response (anything else that is not what a
    Plex Media Server answers).
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        token: str | None = None,
        *,
        client_identifier: str,
        product: str = "Plex Butler",
        version: str = "",
    ) -> None:
        """Take the server's base URL, any path prefix included.

        The session is the caller's, as is closing it. `client_identifier` names this
        client to the server and should stay the same for years.
        """
        self.url = str(URL(url)).rstrip("/")
        self._session = session
        self._headers = {
            # Without it the server answers in XML.
            "Accept": "application/json",
            # The titles of tasks and of activities must be of one language.
            "Accept-Language": "en",
            "X-Plex-Client-Identifier": client_identifier,
            "X-Plex-Product": product,
        }
        if version:
            self._headers["X-Plex-Version"] = version
        if token:
            self._headers["X-Plex-Token"] = token

    async def get_identity(self) -> Identity:
        """Return which server answers; needs no token.

        Source: `GET /identity`.
        """
        return parse_identity(await self._get("/identity"))

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
        return parse_activities(await self._get("/activities"))

    async def start_all_tasks(self) -> None:
        """Ask for all tasks that are enabled and due today.

        Source: `POST /butler`.
        """
        await self._command("POST", "/butler")

    async def stop_all_tasks(self) -> None:
        """Stop all running tasks and forget those that wait for their time.

        Source: `DELETE /butler`.
        """
        await self._command("DELETE", "/butler")

    async def start_task(self, name: str) -> StartResult:
        """Ask for one task; `STARTED` may also mean that the server queued it.

        Raises PlexResponseError with status 404 if there is no such task.
        Source: `POST /butler/{name}`.
        """
        status = await self._command("POST", _task_path(name))
        if status == HTTPStatus.ACCEPTED:
            return StartResult.ALREADY_RUNNING
        return StartResult.STARTED

    async def stop_task(self, name: str) -> StopResult:
        """Stop one task, or take it off the queue.

        The server does not tell "not running" from "no such task".
        Source: `DELETE /butler/{name}`.
        """
        status = await self._command(
            "DELETE", _task_path(name), accept=HTTPStatus.NOT_FOUND
        )
        if status == HTTPStatus.NOT_FOUND:
            return StopResult.NOT_RUNNING
        return StopResult.STOPPED

    async def _get(self, path: str) -> object:
        async with self._request("GET", path) as response:
            body = await _read(response)
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as err:
            raise PlexResponseError(f"The answer to {path} is not JSON") from err

    async def _command(
        self, method: str, path: str, *, accept: HTTPStatus | None = None
    ) -> int:
        # The body says nothing: it is empty or a page of HTML, JSON asked for or not.
        async with self._request(method, path, accept=accept) as response:
            return response.status

    @asynccontextmanager
    async def _request(
        self, method: str, path: str, *, accept: HTTPStatus | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send one request; every error of the network or of HTTP leaves as ours."""
        try:
            async with self._session.request(
                method,
                URL(f"{self.url}{path}", encoded=True),
                headers=self._headers,
                timeout=TIMEOUT,
                # A redirect would carry the token to wherever it points.
                allow_redirects=False,
            ) as response:
                if response.status != accept:
                    _raise_for_status(response)
                yield response
        except TimeoutError as err:
            raise PlexTimeoutError("The server did not answer in time") from err
        except aiohttp.ClientSSLError as err:
            raise PlexTlsError(str(err)) from err
        except (aiohttp.ClientError, OSError) as err:
            raise PlexConnectionError(str(err)) from err


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            raise PlexResponseError("The answer is too large to be one of Plex's")
    return bytes(body)


def _task_path(name: str) -> str:
    return f"/butler/{quote(name, safe='')}"


def _raise_for_status(response: aiohttp.ClientResponse) -> None:
    match response.status:
        case HTTPStatus.UNAUTHORIZED:
            raise PlexAuthenticationError("The server does not accept the token")
        case HTTPStatus.FORBIDDEN:
            raise PlexNotOwnerError("The token is not that of the server's owner")
        case HTTPStatus.SERVICE_UNAVAILABLE:
            raise PlexMaintenanceError("The server is starting or in maintenance")
        case status if not 200 <= status < 300:
            raise PlexResponseError(f"The server answered {status}", status=status)
