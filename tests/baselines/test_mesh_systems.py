"""The mesh systems through the bundle's own workflows: training with validation, then inference with its weights."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
import trimesh
from monai.bundle import ConfigWorkflow

from custom.training import VoxeliseMeshesd

BUNDLE = Path(__file__).parents[2] / "bundle"
CONFIGS = BUNDLE / "configs"
SMALL = {
    "max_steps": 2,
    "num_workers": 0,
    "generated_count": 3,
    "validation_count": 1,
    "generated_volume#0#shape": [36, 36, 36],
    "generated_volume#0#spacing": [6.0, 6.0, 6.0],
}


def run(kind, name, config, **overrides):
    workflow = ConfigWorkflow(
        config_file=[str(CONFIGS / f"{config}.json"), str(CONFIGS / "systems" / f"{name}.json")],
        workflow_type=kind,
        run_id={"train": "training", "inference": "inference"}[kind],
        logging_file=False,
        bundle_root=str(BUNDLE),
        device="$torch.device('cpu')",
        volume_size=32,
        **overrides,
    )
    workflow.initialize()
    workflow.run()
    workflow.finalize()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mesh_deform_net", "voxel2mesh"])
def test_trains_validates_and_infers(tmp_path, name):
    run("train", name, "train", output_dir=str(tmp_path), **SMALL)
    weights = torch.load(tmp_path / "model.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in weights.values())  # a plain state dict
    noise = np.random.default_rng(0).integers(-1000, 1000, (48, 48, 48)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(noise, np.diag([2.0, 2.0, 2.0, 1.0])), tmp_path / "noise.nii.gz")
    checkpoint = str(tmp_path / "model.pt")
    run("inference", name, "inference", input=str(tmp_path / "noise.nii.gz"), checkpoint=checkpoint, force=True)
    report = json.loads((tmp_path / "noise_report.json").read_text())
    for chamber in ("LA", "LV"):
        assert report["structures"][chamber]["untangled"] is None
        assert trimesh.load_mesh(tmp_path / f"noise_{chamber}.stl").is_watertight
    assert (tmp_path / "noise_labels.nii.gz").is_file()


def test_overlays_start_from_the_same_spheres():
    ours, theirs = (
        json.loads((CONFIGS / "systems" / f"{name}.json").read_text()) for name in ("mesh_deform_net", "voxel2mesh")
    )
    for key in ("template_centres", "template_radii"):
        assert ours[key] == theirs[key]


def test_meshes_with_faces_of_their_own_become_masks():
    box = torch.tensor(trimesh.creation.box((1.0, 1.0, 1.0)).vertices, dtype=torch.float32)
    faces = torch.tensor(trimesh.creation.box().faces)
    order = torch.tensor([3, 1, 0, 2, 7, 5, 6, 4])
    pair = [torch.stack([box, (box - 0.4)[order]]), torch.stack([faces, order.argsort()[faces]])]
    record = {"image": torch.zeros(1, 21, 21, 21), "pred": pair}
    background, first, second = VoxeliseMeshesd("pred", "image", None)(record)["pred"]
    assert first[6:15, 6:15, 6:15].all() and first.sum() < 11**3 + 1
    assert second[2:11, 2:11, 2:11].all() and second.sum() < 11**3 + 1
    assert torch.equal(background, 1 - torch.maximum(first, second))
