"""The figures of simulated days as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .score import Lag, Score

COLUMNS: Final = (
    "simulated server",
    "seed",
    "runs",
    "recall",
    "precision",
    "start lag",
    "end lag",
    "end lag, ours alone",
    "ours alone",
    "start, watched",
    "reported once",
    "short ones",
    "duration right",
    "reported wrongly",
    "false ends",
    "in cuts",
    "log closed",
    "in outages",
    "busy right",
    "on by noise",
    "on too long",
)


def cells(score: Score) -> tuple[str, ...]:
    """Return one line of the table."""
    reports = score.reports
    return (
        score.profile,
        str(score.seed),
        str(score.runs),
        _percent(score.recall),
        _percent(score.precision),
        _lag(score.start),
        _lag(score.end),
        _lag(score.end_alone),
        f"{_percent(score.alone_recall)} / {_percent(score.alone_precision)}",
        _lag(score.start_watched),
        f"{reports.once}/{reports.happened}",
        f"{reports.short_once}/{reports.short}",
        f"{reports.right}/{reports.happened}",
        str(reports.invented),
        str(len(score.false_ends)),
        f"{reports.cut_once}/{reports.cut}",
        str(reports.unheard),
        f"{reports.apart_once}/{reports.apart}",
        _percent(score.busy),
        str(len(score.untrue)),
        str(len(score.overdue)),
    )


def as_markdown(scores: Sequence[Score]) -> str:
    """Return the table for a document."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *map(cells, scores)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def as_text(scores: Sequence[Score]) -> str:
    """Return the table for a terminal."""
    rows = [COLUMNS, *map(cells, scores)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def _percent(share: float) -> str:
    # Rounded down, so that 100 % is all.
    return f"{int(share * 10_000) / 100:.2f} %"


def _lag(lag: Lag) -> str:
    if lag.median is None or lag.p95 is None:
        return "-"
    return f"{lag.median:.1f} / {lag.p95:.1f} s"
