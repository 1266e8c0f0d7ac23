import subprocess
from pathlib import Path

import nibabel
import numpy as np
import torch
import trimesh
import warm_python

from custom.evaluation.measures import Measures, measure_case
from custom.evaluation.records import case_table, encode_json
from custom.frames import ras_to_lps, voxel_to_ras

ROOT = Path(__file__).parents[1]


def test_synthesize_writes_the_layout_that_training_reads(tmp_path):
    command = ["-m", "custom", "synthesize", tmp_path, "--first_seed", "3", "--count", "1"]
    command += ["--shape", "(56,56,56)", "--spacing", "(3,3,3)"]
    subprocess.run([warm_python.executable(), *command], cwd=ROOT, check=True)
    image = nibabel.load(tmp_path / "images" / "patient_000003.nii.gz")
    label = nibabel.load(tmp_path / "labels" / "patient_000003.nii.gz")
    assert image.shape == label.shape == (56, 56, 56)
    np.testing.assert_allclose(image.affine, label.affine)
    assert set(np.unique(np.asarray(label.dataobj))) == {0, 1, 2}
    assert np.asarray(image.dataobj).min() < -800


def test_compare_knows_a_perfect_and_a_shifted_mesh(tmp_path):
    affine = np.diag([-1.0, 1.2, 0.9, 1.0])  # left-handed
    affine[:3, 3] = (30, -20, 10)
    index = np.stack(np.meshgrid(*(np.arange(64),) * 3, indexing="ij"), -1)
    position = voxel_to_ras(index, affine)
    centre = voxel_to_ras(np.array([[32.0, 31.0, 33.0]]), affine)[0]
    label = (np.linalg.norm(position - centre, axis=-1) < 15).astype(np.uint8)
    sphere = trimesh.creation.icosphere(subdivisions=4, radius=15.0)
    label[:, :, :2] = 2  # a slab as the second chamber
    nibabel.save(nibabel.Nifti1Image(label, affine), tmp_path / "a.nii.gz")
    for name, shift in (("LA", 0.0), ("LV", 3.0)):
        vertices = ras_to_lps(torch.tensor(sphere.vertices + centre + (shift, 0, 0))).numpy()
        trimesh.Trimesh(vertices, sphere.faces).export(tmp_path / f"a_{name}.stl")
    right, wrong = measure_case("a", tmp_path, tmp_path / "a.nii.gz")
    assert right.dice > 0.98 and right.assd_mm < 0.3 and right.watertight
    assert abs(right.volume_ml - 4 / 3 * np.pi * 15**3 / 1e3) < 0.1
    assert wrong.dice < 0.5
    assert "| a | LA |" in case_table([right, wrong])


def test_methods_prints_a_table_and_writes_it(tmp_path):
    for name, dice in (("ours", 0.9), ("unet", 0.8)):
        rows = [
            Measures(f"case_{k}", "LA", "measured", dice=dice + k / 100, assd_mm=1.0, hd95_mm=2.0) for k in range(6)
        ]
        (tmp_path / f"{name}.json").write_bytes(encode_json(rows))
    command = [warm_python.executable(), "-m", "custom", "methods", str(tmp_path / "out")]
    command += ["--ours", str(tmp_path / "ours.json"), "--unet", str(tmp_path / "unet.json")]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert "| unet | LA | 6 | 0 | 0.825 [" in printed and "p 0.031" in printed
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"methods.csv", "methods.png"}
