"""What the documents name is there: pages, headings, pictures, commands."""

from collections.abc import Iterator
from importlib.util import find_spec
import os
from pathlib import Path
import re
import shlex
import subprocess
from typing import Final

from homeassistant import components
from homeassistant.util.yaml import load_yaml_dict
import pytest

from tests.house import DOCUMENTS, ROOT

QUALITY: Final = "custom_components/plex_butler/quality_scale.yaml"
REPOSITORY: Final = "plex-butler/plex-butler-for-home-assistant"
RAW: Final = f"https://raw.githubusercontent.com/{REPOSITORY}/main/"
RULES: Final = load_yaml_dict(str(ROOT / QUALITY))["rules"]

FENCE: Final = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
# Links and pictures in Markdown, then pictures in HTML
LINK: Final = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")
# A file, and what in it: a heading of a page, or a test
REFERENCE: Final = re.compile(r"([\w./-]+\.(?:md|py|toml|json))(?:#([\w-]+)|::(\w+))?")
CODE: Final = re.compile(r"`([^`\n]+)`")
LARGEST: Final = 1_500_000  # bytes of all pictures: every clone has them


def anchors(page: Path) -> set[str]:
    """Return the headings of a page as links to them are written."""
    text = FENCE.sub("", page.read_text())
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
        for heading in headings
    }


def commands(name: str) -> Iterator[str]:
    """Yield what a document has to be typed into a shell."""
    text = (ROOT / name).read_text()
    for language, block in FENCE.findall(text):
        if not language:
            yield from block.splitlines()
    for code in CODE.findall(FENCE.sub("", text)):
        if code.startswith(("scripts/", "python ")):
            yield code


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere_and_every_file_that_is_named_exists(
    name: str,
) -> None:
    page = ROOT / name
    text = FENCE.sub("", page.read_text())
    for link in ("".join(found) for found in LINK.findall(text)):
        if link.startswith(RAW):
            assert (ROOT / link.removeprefix(RAW)).exists(), link
        elif "://" not in link:
            target, _, anchor = link.partition("#")
            file = page.parent / target if target else page
            assert file.exists(), link
            assert not anchor or anchor in anchors(file), link
    folders = ("blueprints/", "docs/", "requirements/", "tests/", "typings/")
    for code in CODE.findall(text):
        assert not code.startswith(folders) or (ROOT / code).exists(), code


def test_every_page_is_linked_from_the_readme_or_the_contributing_page() -> None:
    entrances = (ROOT / "README.md", ROOT / "CONTRIBUTING.md")
    told = "".join(page.read_text() for page in entrances)
    for name in DOCUMENTS:
        if name.startswith("docs/"):
            assert name in told, name


def test_every_picture_is_shown_light_and_dark_and_all_are_small() -> None:
    pictures = sorted((ROOT / "docs" / "images").iterdir())
    names = {picture.name.rpartition("-")[0] for picture in pictures}
    shown = "".join((ROOT / name).read_text() for name in DOCUMENTS)

    assert {picture.name for picture in pictures} == {
        f"{name}-{scheme}.png" for name in names for scheme in ("light", "dark")
    }
    for picture in pictures:
        assert f"images/{picture.name}" in shown
    assert sum(picture.stat().st_size for picture in pictures) < LARGEST


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_block_is_yaml_a_drawing_or_commands_that_exist(name: str) -> None:
    # What is YAML is run: tests/blueprints/test_examples.py
    languages = {language for language, _ in FENCE.findall((ROOT / name).read_text())}
    assert languages <= {"yaml", "mermaid", ""}
    for command in commands(name):
        program, *arguments = shlex.split(command, comments=True)
        if program == "python":
            _, module, *arguments = arguments
            spec = find_spec(module)
            assert spec, command
            assert spec.origin
            sources = Path(spec.origin).parent.glob("*.py")
            told = "".join(source.read_text() for source in sources)
        elif program == "grep" or program.endswith("/"):
            continue  # a test of its own; a folder
        else:
            script = ROOT / program
            assert os.access(script, os.X_OK), command
            told = script.read_text()
            if (source := script.with_suffix(".py")).exists():
                told += source.read_text()
        # After "--" come those of pytest
        own = " ".join(arguments).partition("-- ")[0].split()
        for option in own:
            if option.startswith("--") and option != "--help":
                assert option in told, command


def test_the_search_without_a_checkout_finds_what_a_log_says_of_tasks(
    tmp_path: Path,
) -> None:
    told = [
        'Activity: registered new sub-activity 1f - "BackupDatabase" parent: 2e',
        "Activity: ended sub-activity 1f",
        "Request: DELETE /butler/BackupDatabase",
        "Butler: Scheduled task",
    ]
    log = tmp_path / "Plex Media Server.log"
    log.write_text("\n".join([*told, "Scanner: looking at a film", ""]))
    (command,) = (it for it in commands("README.md") if it.startswith("grep "))

    found = subprocess.run(  # noqa: S603 - the command is the README's
        shlex.split(command), cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert found.stdout.splitlines() == told


def test_the_readme_is_read_in_two_minutes() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 180


def test_the_quality_scale_speaks_of_every_rule() -> None:
    core = Path(components.__path__[0], "peblar", "quality_scale.yaml")
    assert RULES.keys() == load_yaml_dict(str(core))["rules"].keys()


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_of_the_quality_scale_says_what_is_behind_it(rule: str) -> None:
    kept = RULES[rule]
    references = REFERENCE.findall(kept["comment"])

    assert kept["status"] == "exempt" or (kept["status"] == "done" and references)
    for name, heading, test in references:
        file = ROOT / name
        assert file.is_file(), name
        assert not heading or heading in anchors(file), heading
        assert not test or re.search(
            rf"^(?:async )?def {test}\(", file.read_text(), re.MULTILINE
        ), test
