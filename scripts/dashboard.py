"""Plex Butler's dashboard as the first page."""

from itertools import count
from typing import Any

import aiohttp

from .home_assistant import HomeAssistant

PATH = "plex-butler"


async def open_with_dashboard(instance: HomeAssistant) -> None:
    """Add the dashboard, and have Home Assistant open with it."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{instance.url}/api/websocket") as socket,
    ):
        await socket.receive_json()
        await socket.send_json({"type": "auth", "access_token": instance.access_token})
        await socket.receive_json()
        numbers = count(1)

        async def call(kind: str, **data: Any) -> None:
            await socket.send_json({"id": next(numbers), "type": kind, **data})
            answer = await socket.receive_json()
            if not answer["success"]:
                raise ValueError(f"{kind}: {answer['error']['message']}")

        await call(
            "lovelace/dashboards/create",
            url_path=PATH,
            title="Plex Butler",
            icon="mdi:room-service",
        )
        await call(
            "lovelace/config/save",
            url_path=PATH,
            config={"strategy": {"type": "custom:plex-butler"}},
        )
        await call(
            "frontend/set_system_data", key="core", value={"default_panel": PATH}
        )
