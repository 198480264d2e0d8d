"""Lets connections to ports of this machine fail as if no route led there."""

from __future__ import annotations

import errno
import os
from typing import Any
from unittest.mock import patch

# A part of aiohttp: there is no way to make an address of this machine unreachable.
import aiohappyeyeballs

_connect = aiohappyeyeballs.start_connection
_closed: set[int] = set()


def close_route(port: int) -> None:
    """Let all of aiohttp's clients in this process fail at this port."""
    if not _closed:
        _patch.start()
    _closed.add(port)


def open_route(port: int) -> None:
    """Let connections to this port arrive again."""
    if port in _closed:
        _closed.remove(port)
        if not _closed:
            _patch.stop()


async def _connect_unless_closed(addr_infos: Any, *args: Any, **kwargs: Any) -> Any:
    if any(info[4][1] in _closed for info in addr_infos):
        raise OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))
    return await _connect(addr_infos, *args, **kwargs)


_patch = patch.object(aiohappyeyeballs, "start_connection", _connect_unless_closed)
