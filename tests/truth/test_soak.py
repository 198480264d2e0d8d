"""A day without end, in short; `python -m tests.soak` lets a month pass."""

from dataclasses import replace

import pytest

from tests.soak import FILLING, SoakedDay, grown, main, soaked


@pytest.mark.slow
def test_after_a_day_of_faults_as_much_is_held_as_after_another() -> None:
    days: list[SoakedDay] = []
    soaked(2, 2, days.append, day=3 * 3600)

    one, other = (day.held for day in days)
    assert one["objects"] > 10
    for name in ("tasks", "listeners"):
        assert one[name] == other[name]
    assert other["sockets"] <= one["sockets"] + 2
    assert other["timers"] <= one["timers"] + 4
    for day in days:
        assert day.faults
        assert day.score.runs
        assert not day.score.false_ends
        assert not day.score.errors
        assert not day.score.reports.invented
        assert min(day.score.recall, day.score.precision) > 0.99
    # What grows for weeks is found.
    many = [one] * FILLING + [{**one, "ours, KiB": 100 + it} for it in range(24)]
    weeks = [replace(days[0], held=held) for held in many]
    assert list(grown(weeks)) == ["ours, KiB grew from 104 to 120"]


@pytest.mark.slow
def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--days", "1", "--hours", "0.5"])

    assert "| 1 | " in capsys.readouterr().out
