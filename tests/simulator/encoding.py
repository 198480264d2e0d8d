"""Turns content into JSON or XML as the server writes them."""

from __future__ import annotations

from collections.abc import Mapping
import json
import re
from typing import Any
from xml.etree import ElementTree as ET

# In XML a stream is named after what is watched.
_TAGS = {"Metadata": "Video"}
# So many private characters stand for the bytes from 0 to 255.
_RAW = 0xE000
_BYTES = {
    _RAW + byte: chr(byte if byte < 0x80 else 0xDC00 + byte) for byte in range(256)
}
_LONE = re.compile("[\ud800-\udfff]")


def raw(byte: int) -> str:
    """Return what is sent as this byte alone, be it no UTF-8 or no JSON there."""
    return chr(_RAW + byte)


def to_bytes(text: str) -> bytes:
    """Return a text as it is sent; lone surrogates become escapes, as in JSON."""
    text = _LONE.sub(lambda lone: f"\\u{ord(lone[0]):04x}", text)
    return text.translate(_BYTES).encode("utf-8", "surrogateescape")


def to_json(content: Mapping[str, Any], *, loose: bool) -> str:
    """Return JSON; loose types are numbers as strings and booleans as "1" or "0"."""
    return json.dumps(_loosen(content) if loose else content, ensure_ascii=False)


def to_xml(content: Mapping[str, Any]) -> str:
    """Return XML: scalars are attributes, the rest are elements."""
    ((tag, body),) = content.items()
    text = ET.tostring(_element(tag, body), encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _element(tag: str, body: Mapping[str, Any]) -> ET.Element:
    element = ET.Element(_TAGS.get(tag, tag))
    for key, value in body.items():
        if isinstance(value, Mapping):
            element.append(_element(key, value))
        elif isinstance(value, list):
            element.extend(_element(key, item) for item in value)
        else:
            element.set(key, _attribute(value))
    return element


def _attribute(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _loosen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _loosen(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_loosen(item) for item in value]
    return value if value is None or isinstance(value, str) else _attribute(value)
