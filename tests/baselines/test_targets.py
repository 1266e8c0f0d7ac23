import pytest
import torch

from custom.baselines.targets import target_surfaces
from custom.frames import voxel_to_normalised

SIZE = 24


def ball(centre, radius):
    """Mask (SIZE, SIZE, SIZE) bool; centre and radius in voxels."""
    place = torch.stack(torch.meshgrid(*[torch.arange(SIZE).float()] * 3, indexing="ij"), -1)
    return (place - torch.tensor(centre)).norm(dim=-1) < radius


def test_points_and_normals_of_balls():
    torch.manual_seed(0)
    labels = torch.zeros(2, 1, SIZE, SIZE, SIZE, dtype=torch.uint8)
    labels[0, 0][ball((8.0, 9.0, 10.0), 5.0)] = 1
    labels[0, 0][ball((16.0, 15.0, 14.0), 4.0)] = 2
    labels[1, 0][ball((12.0, 12.0, 12.0), 6.0)] = 2  # no structure 1
    targets = target_surfaces(labels, 2, 500)
    assert targets.which.tolist() == [0, 1, 3]
    voxel = 2 / (SIZE - 1)
    cases = [((8.0, 9.0, 10.0), 5.0), ((16.0, 15.0, 14.0), 4.0), ((12.0, 12.0, 12.0), 6.0)]
    for points, normals, area, (centre, radius) in zip(*targets[:3], cases, strict=True):
        arm = points - voxel_to_normalised(torch.tensor(centre), (SIZE,) * 3)
        torch.testing.assert_close(arm.norm(dim=-1), torch.full((500,), radius * voxel), rtol=0, atol=0.7 * voxel)
        assert (torch.nn.functional.normalize(arm, dim=-1) * normals).sum(-1).mean() > 0.9  # outward
        assert float(area) == pytest.approx(4 * torch.pi * (radius * voxel) ** 2, rel=0.12)


def test_a_chamber_cut_by_the_crop_is_closed_there():
    labels = torch.zeros(1, 1, SIZE, SIZE, SIZE, dtype=torch.uint8)
    labels[0, 0][ball((0.0, 12.0, 12.0), 6.0)] = 1
    points = target_surfaces(labels, 1, 2000).points[0]
    at_border = (points[:, 0] < -1 + 0.2 / (SIZE - 1)).float().mean()
    assert 0.2 < float(at_border) < 0.45  # a disc is a third of the half ball's surface


@pytest.mark.parametrize("voxels", [0, 1])
def test_nothing_to_aim_at(voxels):
    labels = torch.zeros(1, 1, SIZE, SIZE, SIZE, dtype=torch.uint8)
    labels[0, 0, 5, 5, :voxels] = 1  # a lone voxel is blurred away
    targets = target_surfaces(labels, 2, 10)
    assert targets.points.shape == (0, 10, 3) and targets.which.shape == (0,)
