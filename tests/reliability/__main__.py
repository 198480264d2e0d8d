"""Runs every fault in every phase, and writes the table of docs/reliability.md."""

from collections import defaultdict
from math import ceil
from pathlib import Path
import sys
from typing import Any, Final

import pytest

from tests.reliability.faults import FAULTS

PAGE: Final = Path(__file__).parents[2] / "docs" / "reliability.md"
_MARKERS: Final = ("<!-- made by python -m tests.reliability -->", "<!-- end -->")
_BELIEVED: Final = (
    "The server answered the start with 200 and began no task. The start is reported, for "
    "the answer is all there is, and its result is `lost` once the server answers again."
)


class Outcomes:
    """Collects what pytest reports of the cells."""

    def __init__(self) -> None:
        self.cells: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        known = dict(report.user_properties)
        if isinstance(cell := known.get("cell"), (tuple, list)):
            phase, fault = cell
            outcome = self.cells[fault, phase]
            outcome |= known
            outcome["failed"] = outcome.get("failed") or report.failed


def table(cells: dict[tuple[str, str], dict[str, Any]]) -> str:
    # The plugin of pytest wants to be there before Home Assistant is.
    from tests.reliability.phases import CANNOT_HAPPEN, PHASES

    notes: list[str] = []

    def noted(text: str) -> str:
        if text not in notes:
            notes.append(text)
        return f"({notes.index(text) + 1})"

    def shown(fault: str, phase: str) -> str:
        if why := CANNOT_HAPPEN.get((fault, phase)):
            return f"cannot happen {noted(why)}"
        cell = cells.get((fault, phase), {"failed": True})
        if cell["failed"]:
            return "**failed**"
        return f"survived {noted(_BELIEVED)}" if cell["believed"] else "survived"

    rows = [["fault", *PHASES, "well again within"], ["---"] * (len(PHASES) + 2)]
    for fault in FAULTS:
        took = [it.get("took", 0) for (of, _), it in cells.items() if of == fault]
        minutes = max(1, ceil(max(took, default=0) / 60))
        rows.append([fault, *(shown(fault, it) for it in PHASES), f"{minutes} min"])
    failed = sum(bool(it["failed"]) for it in cells.values())
    lines = [
        (
            f"{len(FAULTS)} faults, {len(PHASES)} phases: {len(cells)} cells, of which "
            f"{len(cells) - failed} were survived; {len(CANNOT_HAPPEN)} cannot happen. "
            f"Data lost: {f'look at {failed} cells' if failed else 'none'}."
        ),
        "",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
        *(f"{number}. {note}" for number, note in enumerate(notes, 1)),
    ]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    outcomes = Outcomes()
    test = str(Path(__file__).with_name("test_faults.py"))
    options = ["-q", "-n", "2", "-k", "survived", *arguments]
    result = pytest.main([test, *options], plugins=[outcomes])
    text = PAGE.read_text()
    begin, end = _MARKERS
    before, rest = text.split(begin)
    after = rest.split(end)[1]
    made = f"{begin}\n{table(outcomes.cells)}\n{end}"
    PAGE.write_text(f"{before}{made}{after}")
    return int(result)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
