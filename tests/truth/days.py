"""The kinds of servers that are scored, and one scored day of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
import multiprocessing
from typing import Any

from tests.simulator import NOON, PROFILES, ByHand, Profile, SessionNames, draw_profile

from .score import Score, score
from .world import Plan, live

SESSION = "session"
NAMELESS = "session, no names"
# Named after a profile whose log tells, or whose log does not.
LOG = ", log"
WITH_LOG = (f"{NAMELESS}{LOG}", f"silent{LOG}", f"anonymous{LOG}")
NO_PUSH = ("session, no push", "current, no push")
DRAWN = "drawn"
NAMED = (
    SESSION,
    "session, no log",
    "session, children",
    "session, own sessions",
    NAMELESS,
    WITH_LOG[0],
    NO_PUSH[0],
    *WITH_LOG[1:],
    "current",
    NO_PUSH[1],
    "anonymous",
    "silent",
    "legacy",
)
# What makes each kind another than the profile that it is called after.
_TRAITS: Mapping[str, Mapping[str, Any]] = {
    "session, children": {"session_names": SessionNames.CHILDREN},
    "session, own sessions": {"by_hand": ByHand.OWN_SESSION},
    NAMELESS: {"session_names": SessionNames.NOTHING},
}


def plan_of(name: str, seed: int, hours: float, start: datetime = NOON) -> Plan:
    """Return the day of a kind of server; a drawn one is another with every seed."""
    return Plan(
        profile=_profile(name, seed),
        seed=seed,
        hours=hours,
        start=start,
        muted=name in NO_PUSH,
    )


def names(count: int) -> tuple[str, ...]:
    """Return all kinds, with so many drawn ones."""
    return (*NAMED, *(f"{DRAWN} {number}" for number in range(1, count + 1)))


def scored(name: str, seed: int, hours: float, start: datetime = NOON) -> Score:
    """Return the figures of one day."""
    return score(name, seed, live(plan_of(name, seed, hours, start)))


def all_scored(
    days: Iterable[tuple[str, int]], hours: float, jobs: int
) -> Iterator[Score]:
    """Yield the figures of many days, side by side in processes of their own."""
    days = list(days)
    if 1 in (jobs, len(days)):
        yield from (scored(name, seed, hours) for name, seed in days)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context) as pool:
        scores = [pool.submit(scored, name, seed, hours) for name, seed in days]
        for future in scores:
            yield future.result()


def _profile(name: str, seed: int) -> Profile:
    kind, _, number = name.partition(" ")
    if kind == DRAWN:
        return draw_profile(100 * seed + int(number or 1))
    base = PROFILES[name.partition(",")[0]]
    return base.with_traits(
        # Every other day, for what hides behind a locked database is counted apart.
        hangs_on_database=seed % 2 == 0,
        log_tells=name == SESSION or name in WITH_LOG,
        **_TRAITS.get(name.removesuffix(LOG), {}),
    )
