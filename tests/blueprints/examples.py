"""The examples of the documentation, as people copy them."""

from functools import cache
import re
from typing import Any, Final

from homeassistant.util.yaml import parse_yaml

from tests.house import ROOT

# What stands in the examples for the device of the server
DEVICE: Final = "6d1f4c0e9b7a42538f60a1c2d3e4f506"

# What an example is called: the line above it that ends in a colon, or the heading
_EXAMPLE: Final = re.compile(
    r"^(?:##+ (?P<heading>.+)(?:\n(?!#|```|.*:$).*)*|(?P<line>\S.*):)\n\n```yaml\n"
    r"(?P<yaml>(?:.*\n)*?)```$",
    re.MULTILINE,
)
DOCUMENTS: Final = sorted(
    page.relative_to(ROOT).as_posix()
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))
)


@cache
def texts() -> str:
    """Return all that may hold examples."""
    return "\n".join((ROOT / name).read_text() for name in DOCUMENTS)


@cache
def examples() -> dict[str, str]:
    """Return the YAML of all examples by what they are called."""
    found = _EXAMPLE.finditer(texts())
    return {match["heading"] or match["line"]: match["yaml"] for match in found}


def example(name: str, device: str) -> dict[str, Any]:
    """Return one as an automation about a device."""
    parsed = parse_yaml(examples()[name].replace(DEVICE, device))
    assert isinstance(parsed, dict)
    return parsed
