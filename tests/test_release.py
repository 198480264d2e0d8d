"""The zip of a release is what HACS and the Marketplace install."""

import json
from pathlib import Path
import struct
from typing import Any
from zipfile import ZipFile

import pytest

from scripts import build_release
from tests.house import ROOT
from tests.texts import INTEGRATION

MANIFEST = json.loads((INTEGRATION / "manifest.json").read_text())
HACS = json.loads((ROOT / "hacs.json").read_text())


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Build the zip that a release ships."""
    archive = tmp_path / str(HACS["filename"])
    monkeypatch.setattr(build_release, "ARCHIVE", archive)
    build_release.build()
    return archive


def marketplace(module: str) -> Any:
    return pytest.importorskip(
        f"homeassistant.components.marketplace.{module}",
        reason="the Marketplace is part of Home Assistant since 2026.11",
    )


def test_the_marketplace_reads_hacs_json_and_its_part_of_the_manifest() -> None:
    validate = marketplace("utils.validate")
    for key, value in HACS.items():
        assert validate.REPOSITORY_MANIFEST_VALUES[key](value) == value
    assert validate.VALID_DOMAIN.match(MANIFEST["domain"])
    assert validate.is_valid_ref(f"v{MANIFEST['version']}")
    for key, schema in validate.INTEGRATION_MANIFEST_VALUES.items():
        assert schema(MANIFEST[key]) == MANIFEST[key]


def test_the_marketplace_loads_what_is_in_the_zip(
    release: Path, tmp_path: Path
) -> None:
    marketplace("repositories.base")._check_archive_size(ZipFile(release))
    folder = tmp_path / "custom_components" / "plex_butler"
    ZipFile(release).extractall(folder)
    check = marketplace("repositories.integration")._check_loadable_manifest
    check(folder, MANIFEST["domain"])


def test_the_zip_has_every_file_of_the_integration(release: Path) -> None:
    files = {
        str(path.relative_to(INTEGRATION))
        for path in INTEGRATION.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert set(ZipFile(release).namelist()) == files


@pytest.mark.parametrize(("name", "size"), [("icon.png", 256), ("icon@2x.png", 512)])
def test_the_brand_has_the_sizes_that_home_assistant_asks_for(
    name: str, size: int
) -> None:
    image = (INTEGRATION / "brand" / name).read_bytes()
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", image[16:24]) == (size, size)
