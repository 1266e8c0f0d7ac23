"""The MONAI Deploy application on DICOM studies; `make test-deploy` runs it in the environment of `make deploy-env`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
import trimesh

pytest.importorskip("monai.deploy", reason="needs the environment of `make deploy-env`")

ROOT = Path(__file__).parents[2]
REAL = Path(os.environ.get("REAL_CTS", "no_such_folder")) / "contrast_dicom"
STL_STORAGE = "1.2.840.10008.5.1.4.1.1.104.3"
SEG_STORAGE = "1.2.840.10008.5.1.4.1.1.66.4"
SR_STORAGE, SC_STORAGE = "1.2.840.10008.5.1.4.1.1.88.34", "1.2.840.10008.5.1.4.1.1.7"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    """The archive of the bundle, unpacked."""
    folder = tmp_path_factory.mktemp("bundle")
    made = subprocess.run(
        [sys.executable, "tools/bundle_zip.py", str(folder)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    with zipfile.ZipFile(made.stdout.strip()) as archive:
        archive.extractall(folder)
        return folder / archive.namelist()[0].split("/")[0]


def _run(study: Path, output: Path, bundle: Path) -> subprocess.CompletedProcess[str]:
    output.mkdir()
    command = [sys.executable, str(ROOT / "deploy" / "app.py"), "-i", str(study), "-o", str(output), "-m", str(bundle)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(command, cwd=output, env=environment, capture_output=True, text=True)


def _check(study: Path, output: Path) -> dict:
    """Look at all files of the only series of `study`, and return the report."""
    header = next(pydicom.dcmread(path, stop_before_pixels=True) for path in sorted(study.glob("*.dcm")))
    (folder,) = (path for path in output.iterdir() if path.is_dir())
    assert folder.name == header.SeriesInstanceUID
    report = json.loads((folder / f"{study.name}_report.json").read_text())
    assert report["status"] == "done" and report["device"] == "cpu"
    for name in ("LA", "LV"):
        mesh = trimesh.load_mesh(folder / f"{study.name}_{name}.stl")
        assert mesh.is_watertight
        assert mesh.volume / 1e3 == pytest.approx(report["structures"][name]["volume_ml"], rel=0.01)
        assert (folder / f"{study.name}_{name}.vtk").is_file()
        model = pydicom.dcmread(folder / f"{study.name}_{name}.stl.dcm")
        assert model.SOPClassUID == STL_STORAGE and model.Modality == "M3D"
        inside = bytes(model.EncapsulatedDocument)[: model.EncapsulatedDocumentLength]
        assert inside == (folder / f"{study.name}_{name}.stl").read_bytes()
    segmentation = pydicom.dcmread(folder / f"{study.name}.seg.dcm")
    assert segmentation.SOPClassUID == SEG_STORAGE and len(segmentation.SegmentSequence) == 2
    measurements = pydicom.dcmread(folder / f"{study.name}.sr.dcm")
    picture = pydicom.dcmread(folder / f"{study.name}.sc.dcm")
    assert measurements.SOPClassUID == SR_STORAGE and picture.SOPClassUID == SC_STORAGE
    numbers = [float(item.value) for item in measurements.iterall() if item.keyword == "NumericValue"]
    trusted = [chamber for chamber in report["structures"].values() if chamber["trust"] != "do not use"]
    assert numbers[: len(trusted)] == [chamber["volume_ml"] for chamber in trusted]
    assert {*numbers[len(trusted) :]} == {measure["value"] for measure in report["measurements"].values()} - {None}
    assert b"NiiVue" in (folder / f"{study.name}_view.html").read_bytes()
    for written in (model, segmentation, measurements, picture):
        for tag in ("PatientID", "StudyInstanceUID"):
            assert written[tag].value == header[tag].value
    assert model.FrameOfReferenceUID == segmentation.FrameOfReferenceUID == header.FrameOfReferenceUID
    return report


def test_a_generated_study(tmp_path, bundle):
    small = ["--format", "dicom", "--count", "1", "--shape", "(72,72,60)", "--spacing", "(2.2,2.2,2.4)"]
    subprocess.run([sys.executable, "-m", "scripts", "synthesize", str(tmp_path), *small], cwd=bundle, check=True)
    (study,) = (tmp_path / "dicom").iterdir()
    done = _run(study, tmp_path / "out", bundle)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "do not use" not in [chamber["trust"] for chamber in _check(study, tmp_path / "out")["structures"].values()]


def test_a_study_with_a_missing_slice_fails_by_name(tmp_path, bundle):
    small = ["--format", "dicom", "--count", "1", "--shape", "(40,40,24)", "--spacing", "(4,4,5)"]
    subprocess.run([sys.executable, "-m", "scripts", "synthesize", str(tmp_path), *small], cwd=bundle, check=True)
    (study,) = (tmp_path / "dicom").iterdir()
    sorted(study.glob("*.dcm"))[12].unlink()
    done = _run(study, tmp_path / "out", bundle)
    assert done.returncode != 0
    assert "missing" in done.stdout + done.stderr
    assert not list((tmp_path / "out").rglob("*.stl"))


@pytest.mark.skipif(not REAL.is_dir(), reason="REAL_CTS names no folder of real CTs")
def test_a_real_study(tmp_path, bundle):
    done = _run(REAL, tmp_path / "out", bundle)
    assert done.returncode == 0, done.stderr[-4000:]
    report = _check(REAL, tmp_path / "out")
    np.testing.assert_array_less(20, [chamber["volume_ml"] for chamber in report["structures"].values()])
