"""The baselines of the comparison by the bundle's own workflows: what they learn, inference finds."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
import trimesh
from monai.bundle import ConfigWorkflow

CONFIGS = Path(__file__).parents[2] / "bundle" / "configs"
UNET = {
    "encoder_channels": [8, 16, 32],
    "decoder_channels": [8, 16],
    "first_stride": 1,
    "channels_per_group": 4,
    "dropout": 0.0,
}
SMALL = {
    "unet": {"network_def#unet": UNET},
    "occupancy": {"network_def#unet": UNET, "network_def#levels": [1]},
}
LONG_ENOUGH = {"epochs": 10, "steps_per_epoch": 40, "max_steps": 80, "learning_rate": 0.02, "warmup_steps": 5}


def infer(baseline, image, **overrides):
    files = [str(CONFIGS / "inference.json"), str(CONFIGS / "baselines" / f"{baseline}.json")]
    keys = {"device": "cpu", "bundle_root": str(CONFIGS.parent), "input": str(image), **overrides}
    workflow = ConfigWorkflow(config_file=files, workflow_type="inference", logging_file=False, **keys)
    workflow.initialize()
    workflow.run()
    workflow.finalize()


@pytest.mark.slow
@pytest.mark.parametrize("baseline", sorted(SMALL))
def test_a_system_learns_a_patient_and_finds_it(baseline, patients, train, tmp_path):
    data = {"dataset_dir": str(patients), "validation_count": 1, "file_pose": "@file_centre", "volume_size": 32}
    train("train", tmp_path, baseline=baseline, **data, **LONG_ENOUGH, **SMALL[baseline])

    image = sorted((patients / "images").iterdir())[0]
    loaded = nibabel.load(image)
    middle = nibabel.affines.apply_affine(loaded.affine, (np.array(loaded.shape) - 1) / 2).tolist()
    weights = str(tmp_path / "model.pt")
    found = {"checkpoint": weights, "volume_size": 32, "centre": middle, "output_dir": str(tmp_path / "found")}
    infer(baseline, image, **found, **SMALL[baseline])

    name = image.name.removesuffix(".nii.gz")
    report = json.loads((tmp_path / "found" / f"{name}_report.json").read_text())
    assert report["status"] == "done" and report["crop"]["shape"] == [32, 32, 32]
    for checks in report["structures"].values():
        assert checks["watertight"] and checks["outward"] and checks["agreement"] > 0.85
        assert checks["untangled"] is None and checks["stability"] is None
    masks = [
        np.asarray(nibabel.load(path).dataobj)
        for path in (tmp_path / "found" / f"{name}_labels.nii.gz", patients / "labels" / image.name)
    ]
    for value in (1, 2):
        found, true = (mask == value for mask in masks)
        assert 2 * (found & true).sum() / (found.sum() + true.sum()) > 0.7


@pytest.mark.slow
@pytest.mark.parametrize("baseline", ["mesh_deform_net", "voxel2mesh"])
def test_a_mesh_system_trains_validates_and_infers(baseline, train, tmp_path):
    train("train", tmp_path, baseline=baseline, max_steps=2, generated_count=3)
    weights = torch.load(tmp_path / "model.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in weights.values())  # a plain state dict
    noise = np.random.default_rng(0).integers(-1000, 1000, (48, 48, 48)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(noise, np.diag([2.0, 2.0, 2.0, 1.0])), tmp_path / "noise.nii.gz")
    infer(baseline, tmp_path / "noise.nii.gz", checkpoint=str(tmp_path / "model.pt"), volume_size=32, force=True)
    report = json.loads((tmp_path / "noise_report.json").read_text())
    for chamber in ("LA", "LV"):
        assert report["structures"][chamber]["untangled"] is None
        assert trimesh.load_mesh(tmp_path / f"noise_{chamber}.stl").is_watertight
    assert (tmp_path / "noise_labels.nii.gz").is_file()
