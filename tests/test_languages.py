"""Every language says all that English says, and Home Assistant shows it."""

import json
import re
from typing import Any, Final

from homeassistant.helpers import config_validation as cv, entity_registry as er
import pytest

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import BACKUP, Home, refused
from tests.texts import INTEGRATION, leaves, placeholders

LANGUAGES: Final[dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((INTEGRATION / "translations").glob("*.json"))
}
TRANSLATED: Final = sorted(LANGUAGES.keys() - {"en"})
TEXTS: Final = {language: dict(leaves(tree)) for language, tree in LANGUAGES.items()}

# What no text may contain, and why
FORBIDDEN: Final = {
    "an address": re.compile(r"://|\bwww\."),
    "HTML": re.compile(r"<[a-z/]", re.IGNORECASE),
    "a placeholder in single quotes": re.compile(r"'\{\w+\}'"),
    "a reference to another text": re.compile(r"\[%"),
    # For the frontend, which reads ICU messages; two of them are one.
    "an apostrophe that starts a quotation": re.compile(r"'['{}<|#]"),
}

in_every_language = pytest.mark.parametrize("language", LANGUAGES)
in_every_translation = pytest.mark.parametrize("language", TRANSLATED)


def sentences(text: str) -> set[str]:
    """Return the whole and its sentences, those of more than two words."""
    parts = {text, *re.split(r"(?<=[.:;?])\s+", text)}
    return {it for it in parts if len(re.findall(r"[^\W\d_]{2,}", it)) > 2}


def test_all_languages_are_there() -> None:
    assert LANGUAGES.keys() == {"de", "en", "es", "fr", "it", "nl", "pl", "pt-BR"}


@in_every_translation
def test_a_language_has_the_texts_and_placeholders_of_english(language: str) -> None:
    assert list(TEXTS[language]) == list(TEXTS["en"])
    for path, english in TEXTS["en"].items():
        assert placeholders(TEXTS[language][path]) == placeholders(english), path


@in_every_language
def test_a_text_is_plain_and_not_blank(language: str) -> None:
    for path, text in TEXTS[language].items():
        assert text, path
        assert text == text.strip(), path
        assert cv.string_with_no_html(text) == text, path
        assert not [it for it in FORBIDDEN if FORBIDDEN[it].search(text)], path
        assert not re.search(r"[{}]", re.sub(r"\{[a-z0-9_]+\}", "", text)), path


@in_every_translation
def test_no_sentence_is_left_in_english(language: str) -> None:
    for path, english in TEXTS["en"].items():
        for sentence in sentences(english):
            assert sentence not in TEXTS[language][path], path


@in_every_translation
def test_titles_are_not_much_longer_than_in_english(language: str) -> None:
    for path, english in TEXTS["en"].items():
        if path[-1] == "title":
            assert len(TEXTS[language][path]) <= 2 * len(english) + 20, path


@in_every_language
def test_a_task_has_one_name(language: str) -> None:
    names = LANGUAGES[language]["selector"]["task"]["options"]
    for key, name in names.items():
        assert TEXTS[language]["entity", "switch", key, "name"] == name
    assert len({name.casefold() for name in names.values()}) == len(names)


@in_every_translation
async def test_home_assistant_shows_tasks_in_its_language(
    new_home: Home, language: str
) -> None:
    name = TEXTS[language]["entity", "switch", "backup_database", "name"]
    await new_home.hass.config.async_update(language=language)
    await new_home.set_up()
    new_home.begins(BACKUP, 600)
    await new_home.advance(6)

    sensor = er.async_get(new_home.hass).async_get_entity_id(
        "sensor", DOMAIN, f"{new_home.entry.unique_id}_current_task"
    )
    assert sensor
    assert new_home.state(sensor) == name
    assert name in {it["task"] for it in await new_home.answer("get_butler_tasks")}
    with refused("unknown_task", invalid=True) as err:
        await new_home.call("start_task", "?")
    filled = err.value.translation_placeholders or {}
    assert f"{name} (backup_database)" in filled["tasks"]
