"""The bundle as MONAI's model zoo hands it out: `python tools/bundle_zip.py` writes dist/NAME_vVERSION.zip.

In it the package lies beside `configs` and is called `scripts`, as every bundle of the zoo calls its own: MONAI Label
forgets a module of that name, and of no other, before it loads the next bundle. Inside the package all imports are
relative, so that the configs alone have to be rewritten.

The same sources give the same bytes everywhere: files in the order of their names, stored and not compressed (programs
compress differently), with one time and one mode.
"""

from __future__ import annotations

import argparse
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "cardiac_chamber_meshes"
FOLDERS = {"bundle/configs": "configs", "bundle/docs": "docs", "bundle/models": "models", "custom": "scripts"}
"""Folders of the repository, and what the bundle calls them."""
MOMENT = (1980, 1, 1, 0, 0, 0)
"""Of every file in the archive: the earliest that a zip can hold."""


def members() -> Iterator[tuple[str, bytes]]:
    """Name in the bundle and content of each file."""
    yield "LICENSE", (ROOT / "LICENSE").read_bytes()
    for folder, called in FOLDERS.items():
        for path in (ROOT / folder).rglob("*"):
            place = path.relative_to(ROOT / folder)
            if path.is_dir() or any(part.startswith((".", "__pycache__")) for part in place.parts):
                continue
            content = path.read_bytes()
            if called == "configs":
                content = re.sub(rb"\bcustom\.", b"scripts.", content)
            yield f"{called}/{place.as_posix()}", content


def build(folder: Path) -> Path:
    """Write the archive into `folder`, made if need be, and return its path."""
    version = json.loads((ROOT / "bundle" / "configs" / "metadata.json").read_text())["version"]
    target = folder / f"{NAME}_v{version}.zip"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(members()):
            entry = zipfile.ZipInfo(f"{NAME}/{name}", MOMENT)
            entry.create_system = 3  # Unix, whose modes the next line sets
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return target


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "dist", help="where to write it (dist)")
    print(build(parser.parse_args().folder))
