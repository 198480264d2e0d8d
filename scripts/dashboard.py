"""A dashboard with everything that the integration offers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import aiohttp

from .home_assistant import HomeAssistant

PATH = "plex-butler"
# What has no heading of its own comes last.
HEADINGS = {"switch": "Tasks", "button": "All tasks", "schedule": "Schedule"}


class WebSocketApi:
    """Home Assistant's other API, which dashboards are saved by."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = count(1)

    async def call(self, kind: str, **data: object) -> Any:
        """Send a command; return its result."""
        number = next(self._ids)
        await self._socket.send_json({"id": number, "type": kind, **data})
        answer = await self._socket.receive_json()
        if not answer["success"]:
            raise ValueError(f"{kind}: {answer['error']['message']}")
        return answer["result"]


@asynccontextmanager
async def web_socket(instance: HomeAssistant) -> AsyncIterator[WebSocketApi]:
    """Connect as the instance's user."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{instance.url}/api/websocket") as socket,
    ):
        await socket.receive_json()
        await socket.send_json({"type": "auth", "access_token": instance.access_token})
        await socket.receive_json()
        yield WebSocketApi(socket)


async def show_everything(instance: HomeAssistant, entry_id: str) -> None:
    """Enable each entity of the entry and put it on the first page."""
    async with web_socket(instance) as api:
        entities = [
            entity
            for entity in await api.call("config/entity_registry/list")
            if entity["config_entry_id"] == entry_id
        ]
        for entity in entities:
            if entity["disabled_by"] == "integration":
                await api.call(
                    "config/entity_registry/update",
                    entity_id=entity["entity_id"],
                    disabled_by=None,
                )
        instance.request("POST", f"/api/config/config_entries/entry/{entry_id}/reload")
        await api.call(
            "lovelace/dashboards/create",
            url_path=PATH,
            title="Plex Butler",
            icon="mdi:room-service",
        )
        names = sorted(entity["entity_id"] for entity in entities)
        await api.call("lovelace/config/save", url_path=PATH, config=layout(names))
        await api.call(
            "frontend/set_system_data", key="core", value={"default_panel": PATH}
        )


def layout(entity_ids: list[str]) -> dict[str, object]:
    """Return the dashboard: a column for each kind of entity."""
    kinds = [kind(entity_id) for entity_id in entity_ids]
    order = [*HEADINGS, *sorted(set(kinds) - set(HEADINGS))]
    sections = [
        {
            "type": "grid",
            "cards": [
                {
                    "type": "heading",
                    "heading": HEADINGS.get(column, column.replace("_", " ").title()),
                },
                *(
                    tile(entity_id)
                    for entity_id in entity_ids
                    if kind(entity_id) == column
                ),
            ],
        }
        for column in order
        if column in kinds
    ]
    view = {"title": "Butler", "type": "sections", "sections": sections}
    return {"views": [view]}


def kind(entity_id: str) -> str:
    """Return which column an entity belongs to."""
    domain = entity_id.partition(".")[0]
    is_schedule = domain == "select" or "_butler_schedule_" in entity_id
    return "schedule" if is_schedule else domain


def tile(entity_id: str) -> dict[str, object]:
    """Return a card; a click switches or presses where there is something to."""
    card: dict[str, object] = {
        "type": "tile",
        "entity": entity_id,
        "name": {"type": "entity"},  # without the device's
    }
    if entity_id.startswith(("switch.", "button.")):
        card["tap_action"] = {"action": "toggle"}
    return card
