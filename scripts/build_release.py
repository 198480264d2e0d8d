"""Build the zip that a release ships: the same files give the same bytes."""

import json
from pathlib import Path
import sys
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

ROOT = Path(__file__).parent.parent
INTEGRATION = ROOT / "custom_components" / "plex_butler"
ARCHIVE = ROOT / "dist" / "plex_butler.zip"
SUFFIXES = {".js", ".json", ".png", ".py", ".yaml"}
EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time that a zip can hold


def shipped() -> list[Path]:
    """Return the files of the integration that an installation needs."""
    return sorted(
        path
        for path in INTEGRATION.rglob("*")
        if path.suffix in SUFFIXES and path.is_file()
    )


def require_version(tags: list[str]) -> str:
    """Return the version: tagged so, if at all, and written of in the changelog."""
    manifest = json.loads((INTEGRATION / "manifest.json").read_text())
    version: str = manifest["version"]
    if tags and tags != [f"v{version}"]:
        sys.exit(f"The manifest's version is {version}, not that of {' '.join(tags)}")
    headings = [
        line
        for line in (ROOT / "CHANGELOG.md").read_text().splitlines()
        if line.startswith("## ")
    ]
    if not any(heading.split()[1:2] == [version] for heading in headings):
        sys.exit(f"CHANGELOG.md has no heading for {version}: write it first")
    return version


def build() -> None:
    """Write the archive, with manifest.json at its root."""
    ARCHIVE.parent.mkdir(exist_ok=True)
    with ZipFile(ARCHIVE, "w", ZIP_DEFLATED) as archive:
        for path in shipped():
            info = ZipInfo(path.relative_to(INTEGRATION).as_posix(), EPOCH)
            info.compress_type = ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, path.read_bytes())


if __name__ == "__main__":
    version = require_version(sys.argv[1:])
    build()
    print(f"{ARCHIVE.relative_to(ROOT)}: Plex Butler {version}")
