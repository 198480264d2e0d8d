"""How a run went, in words and in the language of Home Assistant."""

from datetime import timedelta

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_cached_translations

from .const import DOMAIN


def text(hass: HomeAssistant, key: str, **placeholders: object) -> str:
    """Return a text, or its key where the translations are not there yet.

    The recorder's thread calls this, too.
    """
    texts = async_get_cached_translations(hass, hass.config.language, "common", DOMAIN)
    return texts.get(f"component.{DOMAIN}.common.{key}", key).format(**placeholders)


def how_it_went(hass: HomeAssistant, result: str, duration: timedelta | None) -> str:
    """Return what became of a run, such as "ended after 30 s"."""
    if duration is None:
        return text(hass, f"run_{result}")
    return text(hass, f"run_{result}_after", duration=spoken(duration))


def spoken(duration: timedelta) -> str:
    """Return a duration in symbols, which are the same in all languages."""
    seconds = round(duration.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
