"""The bundle as the Hugging Face Hub shows it: `python tools/hub.py FOLDER` makes FOLDER/cardiac_chamber_meshes.

That is the zoo's archive, unpacked, with the model card at the root under the front matter that the hub reads, and its
links led into `docs`. `monai.bundle push_to_hf_hub --bundle_dir FOLDER` uploads it as it is.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

from bundle_zip import NAME, build

FRONT_MATTER = """---
license: {license}
library_name: monai
pipeline_tag: image-segmentation
tags:
- monai
- medical
- ct
- heart
- mesh
---
"""
_LINK = re.compile(r"\]\((?!https?:|#)([^)]+)\)")


def lay_out(folder: Path) -> Path:
    """Write the bundle into `folder`, in place of an earlier one, and return where it is."""
    target = folder / NAME
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(build(Path(scratch))) as archive:
        archive.extractall(folder)
    metadata = json.loads((target / "configs" / "metadata.json").read_text())
    card = target / "docs" / "README.md"
    text = _LINK.sub(lambda link: f"]({_from_root(link[1])})", card.read_text())
    (target / "README.md").write_text(FRONT_MATTER.format(license=metadata["license"].lower()) + text)
    card.unlink()  # MONAI would put it, without that front matter and with its own links, in place of the other
    return target


def _from_root(link: str) -> str:
    return link.removeprefix("../") if link.startswith("../") else f"docs/{link}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    print(lay_out(parser.parse_args().folder))
