"""The session: one row for many tasks."""

from __future__ import annotations

from .rules import Rules

BACKUP = "BackupDatabase"
LIBRARIES = "RefreshLocalMedia"


def test_a_session_counts_its_tasks_in_one_row() -> None:
    rules = Rules("session")
    rules.butler.start(BACKUP)
    rules.butler.start(LIBRARIES)
    assert rules.rows() == [("Butler tasks", BACKUP, 0)]
    rules.advance(30)
    assert rules.rows() == [("Butler tasks", LIBRARIES, 50)]
    rules.advance(80)
    assert rules.rows() == [("Butler tasks", LIBRARIES, 100)]
    rules.advance(1)
    assert rules.rows() == []
    assert rules.pushed() == ["started", *["updated"] * 4, "ended"]
