"""Shows what the integration costs: python -m tests.benchmarks."""

from __future__ import annotations

import asyncio
import logging
import sys

from .measure import (
    Latency,
    LogStorm,
    SetUp,
    Storm,
    measure_latency,
    measure_log_storm,
    measure_set_up,
    measure_storm,
)

_SAMPLES = 500
_STORM = 10_000
_POLLS = 50


def latency_lines(latency: Latency) -> list[str]:
    """Return the figures of a latency, in milliseconds."""
    return [
        "frame sent to        median      p99",
        f"state written    {_ms(latency.median)} {_ms(latency.p99)}",
        f"bare client      {_ms(latency.bare_median)} {_ms(latency.bare_p99)}",
        f"ratio of the medians: {latency.ratio:.1f}",
    ]


def storm_lines(storm: Storm) -> list[str]:
    """Return the figures of a storm, in milliseconds of CPU time."""
    return [
        f"{storm.frames} scan messages: {storm.state_writes} states written",
        f"server and Home Assistant       {_ms(storm.home_assistant)}",
        f"server and a decoding client    {_ms(storm.decoding_client)}",
        f"telling all messages apart      {_ms(storm.filtering)}",
        f"decoding all messages           {_ms(storm.decoding)}",
        f"ratio of the last two: {storm.filtering / storm.decoding:.3f}",
    ]


def log_lines(storm: LogStorm) -> list[str]:
    """Return the figures of a storm in the log, in milliseconds of CPU time."""
    return [
        f"{storm.frames} lines of a log: {storm.state_writes} states written",
        f"server and Home Assistant       {_ms(storm.home_assistant)}",
        f"looking for Butler's lines      {_ms(storm.filtering)}",
        f"decoding all frames             {_ms(storm.decoding)}",
        f"ratio of the last two: {storm.filtering / storm.decoding:.3f}",
        f"ratio for other sub-activities: {storm.alike:.1f}",
    ]


def set_up_lines(figures: SetUp) -> list[str]:
    """Return what an entry costs: wall and CPU time, memory, polls."""
    first, again = (
        f"{_ms(wall)}, CPU {_ms(cpu)}" for wall, cpu in (figures.first, figures.again)
    )
    return [
        f"first set-up      {first}",
        f"set-up once more  {again}",
        f"memory of an entry  {figures.memory / 1024:5.0f} KiB",
        f"poll, median      {_ms(figures.poll)}",
    ]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:7.2f} ms"


async def _measure() -> list[str]:
    set_up = set_up_lines(await measure_set_up(_POLLS))
    latency = latency_lines(await measure_latency(_SAMPLES))
    storm = storm_lines(await measure_storm(_STORM))
    return [
        *set_up,
        "",
        *latency,
        "",
        *storm,
        "",
        *log_lines(await measure_log_storm(_STORM)),
    ]


def main() -> None:
    """Measure, and show."""
    logging.basicConfig(level=logging.ERROR)
    lines = asyncio.run(_measure())
    sys.stdout.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    main()
