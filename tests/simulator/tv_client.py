"""A small client of plex.tv for the simulator's own tests."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from tests.simulator import SimulatedPlexTv

PINS = "/api/v2/pins?strong=true"
RESOURCES = "/api/v2/resources?includeHttps=1&includeIPv6=1"


class TvClient:
    """Asks plex.tv."""

    def __init__(self, tv: SimulatedPlexTv, session: aiohttp.ClientSession) -> None:
        """Know plex.tv, and say who asks."""
        self.headers = {
            "Accept": "application/json",
            "X-Plex-Client-Identifier": "client-1",
            "X-Plex-Product": "Product",
        }
        self._tv = tv
        self._session = session

    async def ask(
        self, method: str, path: str, without: str = "", **headers: str
    ) -> tuple[int, str]:
        """Return status and body."""
        headers = self.headers | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        headers.pop(without, None)
        async with self._session.request(
            method, self._tv.url + path, headers=headers
        ) as response:
            return response.status, await response.text(errors="replace")

    async def json(self, method: str, path: str, **headers: str) -> Any:
        """Return what a good answer says."""
        status, text = await self.ask(method, path, **headers)
        assert status in (200, 201), text
        return json.loads(text)

    async def status(self, method: str, path: str, **headers: str) -> int:
        """Return only the status."""
        return (await self.ask(method, path, **headers))[0]
