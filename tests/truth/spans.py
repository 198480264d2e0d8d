"""Arithmetic on spans of time: sorted, and apart from each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

type Span = tuple[float, float]
type Spans = list[Span]


def union(spans: Iterable[Span]) -> Spans:
    """Return the times that are in any of the spans, in whatever order they come.

    A span without length stays: it is a run that was over in an instant.
    """
    joined: Spans = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def common(first: Spans, second: Spans) -> Spans:
    """Return the times that are in both."""
    return union(
        (max(a[0], b[0]), min(a[1], b[1]))
        for a in first
        for b in second
        if max(a[0], b[0]) < min(a[1], b[1])
    )


def without(spans: Spans, others: Spans) -> Spans:
    """Return the times that are in the first, but not in the second."""
    return union(piece for span in spans for piece in _cut(span, others))


def total(spans: Spans) -> float:
    """Return how many seconds that is."""
    return sum(end - start for start, end in spans)


def meet(first: Span, second: Span) -> bool:
    """Tell whether two spans have a time in common, be it a moment."""
    return first[0] <= second[1] and second[0] <= first[1]


def meets_any(span: Span, others: Spans) -> bool:
    """Tell whether a span meets one of the others."""
    return any(meet(span, other) for other in others)


def holds(spans: Spans, moment: float) -> bool:
    """Tell whether a moment is in one of the spans; their ends are not."""
    return any(start <= moment < end for start, end in spans)


def _cut(span: Span, others: Spans) -> Iterator[Span]:
    start, end = span
    for other_start, other_end in others:
        if start < other_start < end:
            yield start, other_start
        if other_start < end and start < other_end:
            start = max(start, other_end)
    if start < end or not others:
        yield start, end
