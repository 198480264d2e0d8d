"""Writes what a server says of its Butler as one JSON document, fit to be shared.

One such record of one real server would settle most of what is not known of them.
"""

import argparse
import asyncio
from collections import deque
from contextlib import AsyncExitStack, suppress
import json
import sys
from time import monotonic
from typing import Final

import aiohttp
from yarl import URL

from custom_components.plex_butler.api import (
    BUTLER,
    LogStream,
    NotificationStream,
    PlexClient,
    PlexError,
)
from custom_components.plex_butler.api.redact import (
    REDACTED,
    redact_answer,
    redact_record,
)

# Of all but activities only their kinds are kept, and when they came.
FILTERS: Final = ("activity", "status", "progress", "backgroundProcessingQueue")
# Rows may linger after the end, so it is looked at for a while.
AFTERWARDS: Final = 15


async def record(client: PlexClient, task: str, limit: float) -> None:
    """Start a task, and have the client keep all that happens until it has ended."""
    client.record = deque()
    async with AsyncExitStack() as stack:
        stream = await stack.enter_async_context(client.notifications(filters=FILTERS))
        listening = [asyncio.create_task(_listen(client, stream))]
        # Not every server lets its log be read.
        with suppress(PlexError):
            log = await stack.enter_async_context(client.log_stream())
            listening.append(asyncio.create_task(_read(client, log)))
        try:
            await _watch(client, task, monotonic() + limit)
        finally:
            for it in listening:
                it.cancel()
            await asyncio.gather(*listening, return_exceptions=True)


async def _listen(client: PlexClient, stream: NotificationStream) -> None:
    async for frame in stream.raw():
        client.record_event("frame", frame)


async def _read(client: PlexClient, log: LogStream) -> None:
    async for lines in log:
        for line in lines:
            client.record_event("log", line)


async def _watch(client: PlexClient, task: str, deadline: float) -> None:
    client.record_event("start", str(await client.start_task(task)))
    until = deadline
    while monotonic() < until:
        await asyncio.sleep(1)
        rows = await client.get_activities()
        if any(row.type == BUTLER and row.progress < 100 for row in rows):
            until = deadline
        else:
            until = min(until, monotonic() + AFTERWARDS)


async def capture(url: str, token: str, task: str | None, limit: float) -> str:
    """Return the document."""
    async with aiohttp.ClientSession() as session:
        client = PlexClient(
            session, url, token, client_identifier="plex-butler-capture"
        )
        identity = await client.get_identity()
        tasks = await client.get_butler_tasks()
        await client.get_activities()
        answers = dict(client.last_answers)
        if task:
            await record(client, task, limit)
        document = {
            "version": identity.version,
            "answers": {
                path: redact_answer(answer) for path, answer in answers.items()
            },
            "record": redact_record(
                client.record, {text for it in tasks for text in (it.name, it.title)}
            ),
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
