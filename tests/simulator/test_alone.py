"""The simulator by itself."""

from pathlib import Path
import subprocess
import sys


def test_it_imports_neither_home_assistant_nor_the_integration() -> None:
    code = (
        "import sys, tests.simulator.__main__\n"
        "bad = ('homeassistant', 'custom_components', 'pytest', 'voluptuous')\n"
        "print([name for name in sys.modules if name.split('.')[0] in bad])"
    )
    command = [sys.executable, "-c", code]
    root = Path(__file__).parents[2]
    assert subprocess.check_output(command, cwd=root, text=True).strip() == "[]"  # noqa: S603 our own interpreter and code
