"""Puts faults into the product and counts how many the tests find.

`python -m tests.mutants [--number 400] [--seed 1] [--jobs 2] [FILE ...]`: each mutant
has one fault. It is killed if a test fails that runs through the faulty line, or if
these tests do not come to an end.
"""

import argparse
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
import os
from pathlib import Path
from queue import SimpleQueue
import shutil
import subprocess
import sys
from tempfile import TemporaryDirectory

from coverage import CoverageData

from .mutate import Mutant, draw, mutants_of

_PRODUCT = Path("custom_components/plex_butler")
_FILES = (
    "run_state/rules.py",
    "coordinator.py",
    "streams/push.py",
    "config_flow.py",
    "flow/forms.py",
    "flow/validate.py",
    "repairs.py",
    "services.py",
    "target.py",
    "task_actions.py",
)
_LEFT_OUT = shutil.ignore_patterns(".*", "dist", "screenshots", "__pycache__")
_PYTEST = (
    *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
    *("-m", "not slow", "--hypothesis-profile=everyday"),
)

# The tests that run through a line, by its file and its number
type Tests = dict[tuple[str, int], list[str]]


def _tests_of(mutant: Mutant, tests: Tests) -> list[str]:
    """Return the tests that run through a mutant, those named like its file first."""
    found = (tests.get((mutant.path, line), []) for line in mutant.lines)
    names = Path(mutant.path).stem, Path(mutant.path).parent.name
    each = dict.fromkeys(chain.from_iterable(found))
    return sorted(each, key=lambda test: not any(name in test for name in names))


def _tests_of_lines(jobs: int) -> Tests:
    """Return which tests run through each line, those that run through few lines first."""
    with TemporaryDirectory() as folder:
        data_file = str(Path(folder) / "coverage")
        options = ("-n", str(jobs), "--cov", "--cov-context=test")
        # The default core, the one of the standard library, knows no contexts
        env = {"COVERAGE_CORE": "ctrace", "COVERAGE_FILE": data_file}
        run = _pytest(*options, "--cov-report=", "--cov-fail-under=0", env=env)
        # Under the tracer, or beside other work, some take too long for their limits.
        failed = {
            line.removeprefix("FAILED ").partition(" - ")[0]
            for line in run.stdout.splitlines()
            if line.startswith("FAILED ")
        }
        print("left out, for they fail as it is:", *sorted(failed), sep="\n  ")
        tests: Tests = {}
        data = CoverageData(data_file)
        data.read()
        for file in data.measured_files():
            path = str(Path(file).relative_to(Path.cwd()))
            for line, contexts in data.contexts_by_lineno(file).items():
                found = {name.partition("|")[0] for name in contexts if name}
                tests[path, line] = sorted(found - failed)
    lines = Counter(chain.from_iterable(tests.values()))
    for names in tests.values():
        names.sort(key=lines.__getitem__)
    return tests


def _is_killed(mutant: Mutant, tests: list[str], copy: Path) -> bool:
    """Return True if a test fails in a copy of the project with the fault."""
    path = copy / mutant.path
    source = path.read_bytes()
    path.write_bytes(mutant.applied_to(source))
    # The first tests find most faults.
    batches = tests[:25], tests[25:225], tests[225:]
    try:
        return any(batch and not _pass(batch, copy) for batch in batches)
    finally:
        path.write_bytes(source)


def _pass(tests: list[str], copy: Path) -> bool:
    names = copy / "tests.txt"
    names.write_text("\n".join(tests), "utf-8")
    # A file that is as long as before, within one second, would not be compiled
    env = {"PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = _pytest("-x", f"@{names.name}", env=env, folder=copy, seconds=600)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _pytest(
    *options: str,
    env: dict[str, str],
    folder: Path | None = None,
    seconds: float | None = None,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*_PYTEST, *options],
        cwd=folder,
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("--number", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("files", nargs="*", default=_FILES, metavar="FILE")
    options = parser.parse_args()
    paths = [str(_PRODUCT / file) for file in options.files]
    every = [m for path in paths for m in mutants_of(path, Path(path).read_bytes())]
    mutants = draw(every, options.number, options.seed)
    tests = _tests_of_lines(options.jobs)
    all_killed = 0
    with TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(options.jobs):
            copy = Path(folder, str(number))
            shutil.copytree(Path.cwd(), copy, ignore=_LEFT_OUT)
            copies.put(copy)

        def is_killed(mutant: Mutant) -> bool:
            copy = copies.get()
            try:
                return _is_killed(mutant, _tests_of(mutant, tests), copy)
            finally:
                copies.put(copy)

        for mutant, killed in zip(mutants, pool.map(is_killed, mutants), strict=True):
            all_killed += killed
            if not killed:
                print(mutant, flush=True)
    share = all_killed / len(mutants)
    print(f"{len(mutants)} mutants of {len(every)}, {share:.1%} killed")


if __name__ == "__main__":
    main()
