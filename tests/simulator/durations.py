"""How long runs take, as a mapping that tests can write to."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import override

from .butler import Butler


class Durations(MutableMapping[str, float]):
    """Simulated seconds by task; a run that has begun keeps its own."""

    def __init__(self, butler: Butler) -> None:
        """Speak for these tasks."""
        self._butler = butler

    @override
    def __getitem__(self, name: str) -> float:
        return self._butler.tasks[name].duration

    @override
    def __setitem__(self, name: str, seconds: float) -> None:
        self._butler.tasks[name].duration = seconds

    @override
    def __delitem__(self, name: str) -> None:
        task = self._butler.tasks[name]
        task.duration = task.spec.seconds

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._butler.tasks)

    @override
    def __len__(self) -> int:
        return len(self._butler.tasks)
