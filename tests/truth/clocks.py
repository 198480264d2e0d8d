"""One clock for Home Assistant, the integration and the simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
import pkgutil
import sys
import time
from types import ModuleType
from typing import Any, Final
from unittest.mock import patch

from homeassistant.util import dt as dt_util

import custom_components.plex_butler
from tests.simulator import ManualClock

# Held here, for the names in `time` are replaced.
_real_time: Final = time.time
_real_monotonic: Final = time.monotonic

_PACKAGES: Final = ("homeassistant", "custom_components.plex_butler")


class _Shown:
    """The clock that is shown; a module may keep our functions for longer than that."""

    clock: ManualClock | None = None


def _time() -> float:
    return _Shown.clock.now() if _Shown.clock else _real_time()


def _monotonic() -> float:
    return _Shown.clock.now() if _Shown.clock else _real_monotonic()


def _utcnow() -> datetime:
    return datetime.fromtimestamp(_time(), UTC)


_NAMES: Final[dict[str, Callable[[], Any]]] = {
    "monotonic": _monotonic,
    "utcnow": _utcnow,
    "time_tracker_utcnow": _utcnow,
    "time_tracker_timestamp": _time,
}


def wall() -> float:
    """Return seconds that really pass."""
    return _real_monotonic()


@contextmanager
def simulated_time(clock: ManualClock) -> Iterator[None]:
    """Let everybody in this process read one clock, which stands until it is moved."""
    _import_all(custom_components.plex_butler)
    with ExitStack() as stack:
        stack.enter_context(patch.object(_Shown, "clock", clock))
        stack.enter_context(patch("time.time", _time))
        stack.enter_context(patch("time.monotonic", _monotonic))
        for module in _modules():
            for name in _NAMES.keys() & vars(module).keys():
                stack.enter_context(patch.object(module, name, _NAMES[name]))
        assert dt_util.utcnow().timestamp() == clock.now()
        yield


def _import_all(package: ModuleType) -> None:
    """Import what would be imported later, and then keep its own reading of the time."""
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        __import__(found.name)


def _modules() -> list[ModuleType]:
    return [
        module
        for name, module in list(sys.modules.items())
        if name.startswith(_PACKAGES)
    ]
