"""The archive of the model zoo: the same bytes each time, and a bundle that works without the project installed."""

import json
import os
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
import trimesh
import warm_python

ROOT = Path(__file__).parents[1]
NAME = "cardiac_chamber_meshes"


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    return build(tmp_path_factory.mktemp("dist"))


def build(folder: Path) -> Path:
    command = [sys.executable, str(ROOT / "tools" / "bundle_zip.py"), str(folder)]
    return Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


def test_the_same_sources_give_the_same_bytes(archive, tmp_path):
    version = json.loads((ROOT / "bundle" / "configs" / "metadata.json").read_text())["version"]
    assert archive.name == f"{NAME}_v{version}.zip"
    assert build(tmp_path).read_bytes() == archive.read_bytes()


def test_it_holds_what_the_zoo_asks_for_and_nothing_else(archive):
    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()
        configs = [json.loads(opened.read(name)) for name in names if name.endswith(".json") and "/configs/" in name]
    assert names == sorted(names)
    assert {name.split("/")[0] for name in names} == {NAME}
    assert {name.split("/")[1] for name in names} == {"LICENSE", "configs", "docs", "models", "scripts"}
    wanted = ["LICENSE", "configs/metadata.json", "configs/inference.json", "models/model.pt", "docs/data_license.txt"]
    assert {f"{NAME}/{name}" for name in wanted} <= set(names)
    for folder in ("configs", "docs", "models"):
        there = {path for path in (ROOT / "bundle" / folder).rglob("*") if path.is_file()}
        assert {f"{NAME}/{path.relative_to(ROOT / 'bundle').as_posix()}" for path in there} <= set(names)
    assert not any("__pycache__" in name for name in names)
    targets = [target for config in configs for target in _targets(config)]
    assert any(target.startswith("scripts.") for target in targets)
    assert not any(target.startswith("custom") for target in targets)


def _targets(config) -> list[str]:
    """Every `_target_` of a config, at any depth."""
    if isinstance(config, dict):
        own = [config["_target_"]] if "_target_" in config else []
        return own + [target for value in config.values() for target in _targets(value)]
    return [target for value in config for target in _targets(value)] if isinstance(config, list) else []


@pytest.fixture
def elsewhere(tmp_path):
    """A process in an empty folder, by an interpreter that has the libraries and not the project.

    Of the folders on PYTHONPATH no .pth file is read, and by such a file is this project installed.
    """
    venv.create(tmp_path / "venv", with_pip=False)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(site.getsitepackages()),
    }

    def run(*arguments: str, cwd: str = ".", check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [str(tmp_path / "venv" / "bin" / "python"), *arguments]
        return subprocess.run(command, cwd=folder / cwd, env=environment, check=check, capture_output=True, text=True)

    assert "No module named 'custom'" in run("-c", "import custom", check=False).stderr
    return run


@pytest.mark.slow
def test_downloaded_elsewhere_it_gives_the_same_meshes(archive, elsewhere, tmp_path):
    patient = ["-m", "custom", "synthesize", str(tmp_path / "generated"), "--count", "1"]
    subprocess.run(
        [warm_python.executable(), *patient, "--shape", "(64,64,56)", "--spacing", "(2.6,2.6,2.6)"],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    image = str(tmp_path / "generated" / "images" / "patient_000001.nii.gz")
    inference = ["-m", "monai.bundle", "run", "inference", "--input", image, "--device", "cpu", "--output_dir"]

    elsewhere("-m", "monai.bundle", "download", "--name", NAME, "--bundle_dir", ".", "--url", archive.as_uri())
    config = ["--config_file", f"{NAME}/configs/inference.json", "--bundle_root", NAME]
    elsewhere(*inference, str(tmp_path / "there"), *config)
    here = ["--config_file", "bundle/configs/inference.json"]
    subprocess.run([warm_python.executable(), *inference, str(tmp_path / "here"), *here], cwd=ROOT, check=True)

    for chamber in ("LA", "LV"):
        ours, theirs = (
            trimesh.load_mesh(tmp_path / place / f"patient_000001_{chamber}.stl", process=False)
            for place in ("here", "there")
        )
        np.testing.assert_array_equal(theirs.faces, ours.faces)
        np.testing.assert_allclose(theirs.vertices, ours.vertices, rtol=0, atol=1e-4)  # mm
    labels = [(tmp_path / place / "patient_000001_labels.nii.gz").read_bytes() for place in ("here", "there")]
    assert labels[0] == labels[1]

    made = elsewhere("-m", "scripts", "synthesize", "../one", "--count", "1", "--shape", "(32,32,32)", "--spacing",
                     "(6,6,6)", cwd=NAME)  # fmt: skip
    assert made.returncode == 0 and (tmp_path / "elsewhere" / "one" / "images").is_dir()
