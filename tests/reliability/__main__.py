"""Runs every fault in every phase, and writes the table of docs/reliability.md."""

from math import ceil
from pathlib import Path
import sys
from typing import Final

import pytest

from tests.reliability.faults import FAULTS

PAGE: Final = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN: Final = "<!-- made by python -m tests.reliability -->\n"
END: Final = "<!-- end -->"
# A cell that was not run cannot happen.
WORDS: Final = {None: "-", False: "survived", True: "**failed**"}


class Outcomes:
    """Collects what pytest reports of the cells."""

    def __init__(self) -> None:
        self.failed: dict[tuple[str, str], bool] = {}
        self.took: dict[str, float] = dict.fromkeys(FAULTS, 0)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        known = dict(report.user_properties)
        if isinstance(cell := known.get("cell"), (tuple, list)):
            phase, fault = cell
            self.failed[fault, phase] = (
                self.failed.get((fault, phase), False) or report.failed
            )
            took = known.get("took")
            if isinstance(took, float | int):
                self.took[fault] = max(self.took[fault], took)


def table(found: Outcomes) -> str:
    # The plugin of pytest wants to be there before Home Assistant is.
    from tests.reliability.phases import PHASES

    rows = [["fault", *PHASES, "well again within"], ["---"] * (len(PHASES) + 2)]
    for fault, took in found.took.items():
        cells = [WORDS[found.failed.get((fault, phase))] for phase in PHASES]
        rows.append([fault, *cells, f"{max(1, ceil(took / 60))} min"])
    failed = sum(found.failed.values())
    total = (
        f"{len(FAULTS)} faults, {len(PHASES)} phases: {len(found.failed)} cells, of "
        f"which {len(found.failed) - failed} were survived. "
        f"Data lost: {f'look at {failed} cells' if failed else 'none'}.\n"
    )
    return "\n".join([total, *(f"| {' | '.join(row)} |" for row in rows), ""])


def main(arguments: list[str]) -> int:
    found = Outcomes()
    test = str(Path(__file__).with_name("test_faults.py"))
    options = ["-q", "-n", "2", "-k", "survived", *arguments]
    result = pytest.main([test, *options], plugins=[found])
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{table(found)}{END}{rest.partition(END)[2]}")
    return int(result)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
