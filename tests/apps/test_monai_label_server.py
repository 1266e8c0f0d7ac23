"""A MONAI Label server with the packaged bundle, started as its page in the docs says, asked by MONAI Label's client.

`make test-label` runs this in the environment of `make label-env`.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest
import trimesh

pytest.importorskip("monailabel", reason="needs the environment of `make label-env`")
from monailabel.client import MONAILabelClient  # noqa: E402
from monailabel.client.client import MONAILabelClientException  # noqa: E402
from monailabel.datastore.utils.convert import dicom_to_nifti  # noqa: E402

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "bundle" / "docs" / "monai_label.md"
REAL = ROOT.parent / "shared" / "data" / "contrast_dicom"
BUNDLES = {"cardiac_chamber_meshes": None, "cardiac_chamber_meshes_again": "0.0.0"}
"""Names of the two bundles in the app, and the version that the second one's package is made to say."""
LONGEST_START = 600.0
"""Seconds."""


def _documented(language: str, beginning: str) -> str:
    """The page's line of that beginning, continued lines joined; of Python the whole block."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    parts = blocks if language == "py" else "".join(blocks).replace("\\\n", "").splitlines()
    (found,) = (part for part in parts if part.startswith(beginning))
    return found


def _monailabel(arguments: str, **changes: str) -> list[str]:
    """A documented command, with words of it changed."""
    words = shlex.split(_documented("console", f"label/bin/monailabel {arguments}"))
    return [sys.executable, "-m", "monailabel.main", *(changes.get(word, word) for word in words[1:])]


def _run(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def app(tmp_path_factory) -> Path:
    """MONAI Label's own app for bundles, with the archive in it twice."""
    folder = tmp_path_factory.mktemp("label")
    _run(*_monailabel("apps", **{".": str(folder)}))
    models = folder / "monaibundle" / "model"
    models.mkdir(exist_ok=True)
    for name, version in BUNDLES.items():
        with zipfile.ZipFile(_run(sys.executable, "tools/bundle_zip.py", str(folder))) as archive:
            (inside,) = {member.split("/")[0] for member in archive.namelist()}
            archive.extractall(folder / "unpacked")
        shutil.move(folder / "unpacked" / inside, models / name)
        if version is not None:
            code = models / name / "scripts" / "__init__.py"
            code.write_text(code.read_text() + f'\n__version__ = "{version}"\n')
    return folder / "monaibundle"


@pytest.fixture(scope="module")
def studies(tmp_path_factory) -> Path:
    """A generated CT, its label map beside the folder."""
    folder = tmp_path_factory.mktemp("studies")
    small = ["--count", "1", "--shape", "(72,72,60)", "--spacing", "(2.2,2.2,2.4)"]
    _run(sys.executable, "-m", "custom", "synthesize", str(folder), *small)
    return folder


@pytest.fixture(scope="module")
def server(app, studies) -> Iterator[SimpleNamespace]:
    """A running server: a `client` of it, its `url`, and the `log` that it writes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    changes = {"monaibundle": str(app), "STUDIES": str(studies / "images"), "8000": port}
    command = _monailabel("start_server", **changes, cardiac_chamber_meshes=",".join(BUNDLES))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONPATH", None)
    log = app.parent / "server.log"
    with open(log, "wb") as stream:
        process = subprocess.Popen(command, cwd=app.parent, env=environment, stdout=stream, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port}"
        client = MONAILabelClient(url, tmpdir=str(app.parent))
        started = time.monotonic()
        while True:
            try:
                client.info()
                break
            except (OSError, MONAILabelClientException):
                assert process.poll() is None and time.monotonic() - started < LONGEST_START, log.read_text()[-4000:]
                time.sleep(1)
        yield SimpleNamespace(client=client, log=log, url=url)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _infer(server: SimpleNamespace, model: str, image: str, **asked) -> tuple[nibabel.Nifti1Image, dict]:
    file, reply = server.client.infer(model, image, {"device": "cpu", **asked})
    assert file, server.log.read_text()[-4000:]
    return nibabel.load(file), reply


def _dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


def test_the_client_lists_both_bundles(server):
    models = server.client.info()["models"]
    for name in BUNDLES:
        assert models[name]["labels"] == {"la": 1, "lv": 2}
        assert models[name]["type"] == "segmentation" and models[name]["dimension"] == 3


def test_a_generated_ct_comes_back_as_label_map_and_meshes(server, studies):
    labels, reply = _infer(server, "cardiac_chamber_meshes", "patient_000001")
    study = nibabel.load(studies / "images" / "patient_000001.nii.gz")
    truth = np.asarray(nibabel.load(studies / "labels" / "patient_000001.nii.gz").dataobj)
    found = np.asarray(labels.dataobj)
    assert found.shape == study.shape and set(np.unique(found)) == {0, 1, 2}
    np.testing.assert_allclose(labels.affine, study.affine, atol=1e-4)
    assert reply["label_names"] == {"la": 1, "lv": 2}
    for name, value in {"LA": 1, "LV": 2}.items():
        assert _dice(found == value, truth == value) > 0.8
        stl = base64.b64decode(reply["files"][f"patient_000001_{name}.stl"])
        assert b"SPACE=LPS" in stl[:80]
        mesh = trimesh.load_mesh(io.BytesIO(stl), file_type="stl")
        assert mesh.is_watertight
        volume_ml = np.count_nonzero(found == value) * abs(np.linalg.det(study.affine)) / 1e3
        assert mesh.volume / 1e3 == pytest.approx(volume_ml, rel=0.03)
        assert reply["report"]["structures"][name]["volume_ml"] == pytest.approx(mesh.volume / 1e3, rel=0.01)
    assert str(studies) not in json.dumps(reply)


def test_the_documented_lines_of_python_write_the_files(server, tmp_path):
    lines = _documented("py", "import base64").replace("http://127.0.0.1:8000", server.url)
    subprocess.run([sys.executable, "-c", lines.replace('"ct"', '"patient_000001"')], cwd=tmp_path, check=True)
    assert {path.name for path in tmp_path.iterdir()} == {
        *(f"patient_000001_{chamber}.{kind}" for chamber in ("LA", "LV") for kind in ("stl", "vtk")),
        *("patient_000001_landmarks.mrk.json", "patient_000001_preview.png"),
    }


def test_two_bundles_in_one_app_run_their_own_code(server):
    versions = json.loads((ROOT / "bundle" / "configs" / "metadata.json").read_text())["version"], "0.0.0"
    for _ in range(2):
        replies = [_infer(server, name, "patient_000001") for name in BUNDLES]
        assert tuple(reply["report"]["versions"]["bundle"] for _, reply in replies) == versions
        first, second = (np.asarray(labels.dataobj) for labels, _ in replies)
        np.testing.assert_array_equal(first, second)


def test_what_is_no_ct_is_refused_and_the_log_says_why(server, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 40)).astype(np.int16)  # grey levels, no HU
    path = tmp_path / "grey.nii.gz"
    nibabel.save(nibabel.Nifti1Image(noise, np.diag([2.0, 2.0, 2.0, 1.0])), path)
    with pytest.raises(MONAILabelClientException):
        server.client.infer("cardiac_chamber_meshes", str(path), {"device": "cpu"})
    _infer(server, "cardiac_chamber_meshes", "patient_000001")  # goes on, and by now the log is written
    assert "InputError: grey levels of a picture" in server.log.read_text()


@pytest.mark.skipif(not REAL.is_dir(), reason="the real CT lies outside the project, and not here")
def test_a_real_ct_as_monai_label_converts_it(server, tmp_path):
    study = nibabel.load(shutil.move(dicom_to_nifti(str(REAL)), tmp_path / "real.nii.gz"))
    labels, reply = _infer(server, "cardiac_chamber_meshes", str(tmp_path / "real.nii.gz"))
    assert labels.shape == study.shape
    np.testing.assert_allclose(labels.affine, study.affine, atol=1e-3)
    found = np.asarray(labels.dataobj)
    assert set(np.unique(found)) == {0, 1, 2}
    values = np.asarray(study.dataobj)
    for value, blood in ((1, 390), (2, 360)):  # HU of the LA's and the LV's blood in this CT
        assert np.median(values[found == value]) == pytest.approx(blood, abs=40)
    assert reply["report"]["input"]["file"] == "real.nii.gz"
