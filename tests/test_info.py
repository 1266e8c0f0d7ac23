"""`python -m custom info`: what a request for support needs, and nothing of whose machine it is."""

from __future__ import annotations

import getpass
import hashlib
import json
import platform
from pathlib import Path

import custom
from custom.__main__ import info
from custom.chambers import STRUCTURES

ROOT = Path(__file__).parents[1]


def test_json_holds_what_is_installed(capsys):
    info(json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["version"] == custom.__version__
    assert [structure["name"] for structure in found["structures"]] == list(STRUCTURES)
    for name, weights in found["weights"].items():
        content = (ROOT / "bundle" / "models" / name).read_bytes()
        assert weights == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    assert {"model.pt", "locator.pt", "directions.pt"} <= set(found["weights"])
    assert {"seg", "stl"} <= set(found["writes"]["dicom"])
    assert found["packages"]["pydicom"] and found["packages_that_differ"] == {}


def test_neither_form_holds_names_or_paths(capsys):
    info(json=True)
    info()
    printed = capsys.readouterr().out
    assert "structures.1.name: LV" in printed
    for private in (str(ROOT), str(Path.home()), platform.node()):
        assert private not in printed
    assert f"/{getpass.getuser()}" not in printed
