"""Class probabilities become placed, closed and smooth meshes."""

import numpy as np
import pytest
import torch
import trimesh
from monai.data import MetaTensor
from stand_in import CENTRES, RADII, Ellipsoids

from custom.frames import normalised_to_ras
from custom.inference import InputError, MaskInferer, MasksToMeshesd
from custom.sampling import level_coordinates

SHAPE = (40, 36, 44)
CROP = np.array([[2.6, 0.1, 0, -50], [-0.1, 2.6, 0.2, -60], [0, -0.2, 2.6, 700], [0, 0, 0, 1]])


class EllipsoidMasks(Ellipsoids):
    """Class logits of the stand-in's ellipsoids, rough in every voxel."""

    def forward(self, image):
        points = level_coordinates(image, 1)
        offsets = (points[None] - self.centres[:, None]) / self.radii[:, None]
        logits = torch.cat([torch.zeros(1, len(points)), 8 * (1 - offsets.square().sum(-1))])
        noise = torch.randn(logits.shape, generator=torch.Generator().manual_seed(0))
        return (logits + noise).view(1, 3, *image.shape[2:])


def record(affine, network=EllipsoidMasks):
    image = MetaTensor(torch.zeros(1, *SHAPE), affine=torch.from_numpy(affine))
    with torch.no_grad():
        answer = MaskInferer()(image[None], network())
    return {"image": image, "seconds": {}, **{key: value[0] for key, value in answer.items()}}


@pytest.mark.parametrize("mirror", [1, -1])
def test_meshes_are_closed_and_in_place(mirror):
    affine = CROP @ np.diag([mirror, 1, 1, 1])
    found = record(affine)
    assert found["segmentation"].shape == (1, *SHAPE) and found["segmentation"].dtype == torch.uint8
    torch.testing.assert_close(found["pred"].sum(0), torch.ones(SHAPE))
    meshes = MasksToMeshesd("pred", "LA,LV", 10)(found)["meshes"]
    for mesh, centre, radii in zip(meshes, CENTRES, RADII, strict=True):
        surface = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
        assert surface.is_watertight and surface.is_winding_consistent and surface.body_count == 1
        true_volume = 4 / 3 * np.pi * np.prod(np.array(radii) * (np.array(SHAPE) - 1) / 2 * 2.6)
        assert surface.volume == pytest.approx(true_volume, rel=0.03)
        expected = normalised_to_ras(np.array(centre), SHAPE, affine)
        np.testing.assert_allclose(surface.center_mass, expected, atol=0.3)


def test_smoothing_takes_the_roughness_and_leaves_the_volume():
    found = record(CROP)
    rough, smooth = (
        trimesh.Trimesh(*MasksToMeshesd("pred", "LV", steps)(found)["meshes"][0][1:], process=False)
        for steps in (0, 10)
    )
    bend = [np.degrees(mesh.face_adjacency_angles).mean() for mesh in (rough, smooth)]
    assert bend[1] < 0.8 * bend[0]
    assert smooth.volume == pytest.approx(rough.volume, rel=0.01)


def test_a_chamber_that_is_not_seen_is_named():
    found = record(CROP)
    found["pred"][2] = 0.4
    assert [mesh.name for mesh in MasksToMeshesd("pred", "LA", 10)(found)["meshes"]] == ["LA"]
    with pytest.raises(InputError, match="no LV") as refused:
        MasksToMeshesd("pred", "LA,LV", 10)(found)
    assert refused.value.outcome == "no_surface"
