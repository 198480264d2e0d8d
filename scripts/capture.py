"""Writes what a server says of its Butler as one JSON document, fit to be shared.

One such record of one real server would settle most of what is not known of them.
"""

import argparse
import asyncio
import json
import sys
from time import monotonic
from typing import Any, Final

import aiohttp
from yarl import URL

from custom_components.plex_butler.api import PlexClient, PlexError
from custom_components.plex_butler.redact import REDACTED, redact_answer, redact_frame

# Of all but activities only their kinds are kept, and when they came.
FILTERS: Final = ("activity", "status", "progress", "backgroundProcessingQueue")
# Rows may linger after the end, so it is looked at for a while.
AFTERWARDS: Final = 15


class Recorder:
    """Keeps what happens while a task runs, each thing with the second it came."""

    def __init__(self, client: PlexClient) -> None:
        """Begin now."""
        self._client = client
        self._began = monotonic()
        self.events: list[dict[str, Any]] = []

    async def record(self, task: str, limit: float) -> list[dict[str, Any]]:
        """Start a task, and return all that happened until it had ended."""
        async with self._client.notifications(filters=FILTERS) as stream:
            listening = asyncio.create_task(self._listen(stream.raw()))
            try:
                await self._watch(task, self._began + limit)
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
        return self.events

    async def _listen(self, frames: Any) -> None:
        async for frame in frames:
            self._note("frame", redact_frame(frame))

    async def _watch(self, task: str, deadline: float) -> None:
        self._note("start", await self._client.start_task(task))
        until = deadline
        while monotonic() < until:
            await asyncio.sleep(1)
            rows = await self._client.get_activities()
            answer = self._client.last_answers["/activities"]
            self._note("activities", redact_answer(answer))
            if any(row.type == "butler" and row.progress < 100 for row in rows):
                until = deadline
            else:
                until = min(until, monotonic() + AFTERWARDS)

    def _note(self, kind: str, what: object) -> None:
        self.events.append({"at": round(monotonic() - self._began, 3), kind: what})


async def capture(url: str, token: str, task: str | None, limit: float) -> str:
    """Return the document."""
    async with aiohttp.ClientSession() as session:
        client = PlexClient(
            session, url, token, client_identifier="plex-butler-capture"
        )
        identity = await client.get_identity()
        await client.get_butler_tasks()
        await client.get_activities()
        document = {
            "version": identity.version,
            "answers": {
                path: redact_answer(answer)
                for path, answer in client.last_answers.items()
            },
            "record": await Recorder(client).record(task, limit) if task else [],
        }
    text = json.dumps(document, indent=1, ensure_ascii=False)
    for secret in (token, identity.machine_identifier, URL(url).host):
        text = text.replace(str(secret), REDACTED)
    return text


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("--record", metavar="TASK", help="start this task")
    parser.add_argument("--limit", type=float, default=3600, help="seconds at the most")
    options = parser.parse_args()
    try:
        print(
            asyncio.run(
                capture(options.url, options.token, options.record, options.limit)
            )
        )
    except PlexError as err:
        sys.exit(f"capture: {err}")


if __name__ == "__main__":
    main()
