"""The script that opens a case in 3D Slicer, with independent readers in Slicer's place: what it loads, and how."""

from __future__ import annotations

import ast
import json
import runpy
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK
import trimesh
from matplotlib.colors import to_rgb
from stand_in import ROOT

from custom.chambers import CHAMBERS
from custom.inference.writing.files import encode_nifti
from custom.inference.writing.mesh_files import ENCODERS
from custom.mesh import Mesh
from custom.template import icosphere


class _Node(SimpleNamespace):
    """Keeps what it is told."""

    def __getattr__(self, name):
        if name == "GetDisplayNode":
            return lambda: self.__dict__.setdefault("display", _Node())
        return lambda *values: self.__dict__.__setitem__(name, values)


class _Sequence(_Node):
    """Keeps all that it is told, one after the other."""

    def __getattr__(self, name):
        return lambda *values: self.__dict__.setdefault("told", []).append((name, *values))


@pytest.fixture
def loaded(monkeypatch) -> dict:
    """By kind and file name, what was loaded."""
    found: dict = {}

    def load(kind, read):
        def run(path):
            found[kind, path.rpartition("/")[2]] = node = _Node(content=read(path))
            return node

        return run

    util = SimpleNamespace(
        loadModel=load("model", lambda path: trimesh.load_mesh(path)),
        loadSegmentation=load("segmentation", SimpleITK.ReadImage),
        loadVolume=load("volume", SimpleITK.ReadImage),
        setSliceViewerLayers=lambda background, fit: found.update(background=background),
        resetThreeDViews=lambda: None,
    )
    scene = SimpleNamespace(
        AddNewNodeByClass=lambda kind, name: found.setdefault((kind, name), _Sequence()),
        RemoveNode=lambda node: found.setdefault("removed", []).append(node),
    )
    monkeypatch.setitem(sys.modules, "slicer", SimpleNamespace(util=util, mrmlScene=scene))
    return found


@pytest.mark.parametrize("forced", [[], ["grey_levels"]])
def test_a_case_is_opened_in_one_step(tmp_path, monkeypatch, loaded, capsys, forced):
    sphere, faces = (part.numpy() for part in icosphere(3))
    (tmp_path / "ct.nii.gz").write_bytes(encode_nifti(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4)))
    (tmp_path / "ct_labels.nii.gz").write_bytes(encode_nifti(np.ones((2, 3, 4), np.uint8), np.eye(4)))
    for name, kind in (("LA", "ply"), ("LV", "stl")):
        (tmp_path / f"ct_{name}.{kind}").write_bytes(ENCODERS[kind](Mesh(name, 20 * sphere, faces)))
    structures = {"LA": {"trust": "ok"}, "LV": {"trust": "check"}}
    report = {"structures": structures, "forced": forced, "warnings": ["LV: check (doubt 0.40)"]}
    (tmp_path / "ct_report.json").write_text(json.dumps(report))
    script = ROOT / "bundle" / "docs" / "open_in_slicer.py"
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path / "ct_report.json"), str(tmp_path / "ct.nii.gz")])
    runpy.run_path(str(script))

    for key, name in ((("model", "ct_LA.ply"), "LA"), (("model", "ct_LV.stl"), "LV")):
        node = loaded[key]
        assert len(node.content.faces) == len(faces) and node.content.is_watertight
        assert node.SetName == (f"{name}: {structures[name]['trust']}{', FORCED' if forced else ''}",)
        assert node.display.SetColor == pytest.approx(to_rgb(CHAMBERS[name].colour), abs=0.003)
        assert node.display.SetVisibility2D == (True,)
    labels = loaded["segmentation", "ct_labels.nii.gz"].content
    assert labels.GetSize() == (2, 3, 4) and set(np.unique(SimpleITK.GetArrayFromImage(labels))) == {1}
    assert loaded["background"] is loaded["volume", "ct.nii.gz"]
    assert SimpleITK.GetArrayFromImage(loaded["background"].content)[3, 2, 1] == 23
    assert "LV: check" in capsys.readouterr().out


def test_the_surfaces_of_a_beat_move(tmp_path, monkeypatch, loaded):
    sphere, faces = (part.numpy() for part in icosphere(2))
    for size, name in ((20, "ct_LA"), (20, "ct_p00_LA"), (25, "ct_p40_LA")):
        (tmp_path / f"{name}.vtk").write_bytes(ENCODERS["stl"](Mesh("LA", size * sphere, faces)))
    phases = [{"percent": 0.0}, {"percent": 40.0}]
    report = {"structures": {"LA": {"trust": "ok"}}, "forced": [], "warnings": [], "phases": phases}
    (tmp_path / "ct_report.json").write_text(json.dumps(report))
    monkeypatch.setattr("trimesh.load_mesh", lambda path: path)
    script = ROOT / "bundle" / "docs" / "open_in_slicer.py"
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path / "ct_report.json")])
    runpy.run_path(str(script))

    shown, first, second = (loaded["model", f"ct{phase}_LA.vtk"] for phase in ("", "_p00", "_p40"))
    sequence = loaded["vtkMRMLSequenceNode", "LA: phases"]
    assert [told[1:] for told in sequence.told if told[0] == "SetDataNodeAtValue"] == [(first, "0"), (second, "40")]
    assert loaded["removed"] == [first, second]
    told = loaded["vtkMRMLSequenceBrowserNode", "ct: beat"].told
    assert ("AddSynchronizedSequenceNode", sequence) in told and ("AddProxyNode", shown, sequence, False) in told


def test_every_structure_has_the_colour_of_the_preview(monkeypatch):
    text = (ROOT / "bundle" / "docs" / "open_in_slicer.py").read_text()
    colours = ast.literal_eval(text.partition("COLOURS = ")[2].partition("}")[0] + "}")
    assert {name: tuple(round(255 * part) for part in to_rgb(of.colour)) for name, of in CHAMBERS.items()} == colours
