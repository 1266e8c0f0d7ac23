"""What both mesh systems share: where their spheres start, and masks of surfaces with faces of their own."""

import json
from pathlib import Path

import torch
import trimesh

from custom.training import VoxeliseMeshesd

CONFIGS = Path(__file__).parents[2] / "bundle" / "configs"


def test_overlays_start_from_the_same_spheres():
    ours, theirs = (
        json.loads((CONFIGS / "baselines" / f"{name}.json").read_text()) for name in ("mesh_deform_net", "voxel2mesh")
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
