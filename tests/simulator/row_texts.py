"""What butler rows say."""

from __future__ import annotations

from typing import TypedDict

from .task_spec import TaskSpec
from .traits import Naming, Traits

GENERIC = "Running scheduled tasks"
_ACCENTS = str.maketrans("aeiouAEIOU", "àéîöüÀÉÎÖÜ")


class RowText(TypedDict):
    """What a row says."""

    title: str
    subtitle: str


def in_server_language(title: str) -> str:
    """Return a title as a server that speaks another language has it."""
    return f"«{title.translate(_ACCENTS)}»"


def generic_text(traits: Traits) -> RowText:
    """Return title and subtitle of a row that names no task."""
    title = in_server_language(GENERIC) if traits.foreign_rows else GENERIC
    return {"title": title, "subtitle": ""}


def row_text(spec: TaskSpec, traits: Traits) -> RowText:
    """Return title and subtitle of a row while this task runs."""
    if traits.naming is Naming.NOTHING:
        return generic_text(traits)
    if traits.naming is Naming.NAME:
        return {"title": spec.name, "subtitle": ""}
    title = in_server_language(spec.title) if traits.foreign_rows else spec.title
    if traits.naming is Naming.SUBTITLE:
        return {"title": generic_text(traits)["title"], "subtitle": title}
    return {"title": title, "subtitle": ""}
