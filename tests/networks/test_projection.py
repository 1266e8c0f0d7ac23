import pytest
import torch

from custom.networks.blocks.projection import project
from custom.sampling import sample

SHAPE = (4, 6, 5)


def features_and_points(spread=1.3):
    """Some points lie beyond the grid."""
    torch.manual_seed(0)
    features = torch.randn(2, 40, 3, dtype=torch.float64, requires_grad=True)
    points = (spread * (2 * torch.rand(2, 40, 3, dtype=torch.float64) - 1)).requires_grad_()
    return features, points


def test_is_the_adjoint_of_sampling_and_so_are_its_gradients():
    features, points = features_and_points()
    volume = torch.randn(2, 3, *SHAPE, dtype=torch.float64, requires_grad=True)
    projected = (project(features, points, SHAPE) * volume).sum()
    sampled = (features * sample(volume, points)).sum()
    torch.testing.assert_close(projected, sampled, rtol=1e-12, atol=0)
    arguments = (features, points, volume)
    for ours, theirs in zip(
        torch.autograd.grad(projected, arguments), torch.autograd.grad(sampled, arguments), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_gradients():
    features, points = features_and_points()
    assert torch.autograd.gradcheck(lambda f, p: project(f, p, SHAPE), (features[:, :6], points[:, :6]))


def test_component_k_belongs_to_axis_k():
    grid = project(torch.ones(1, 1, 2), torch.tensor([[[-1.0, 1.0, 0.0]]]), SHAPE)
    assert grid.nonzero().tolist() == [[0, 0, 0, 5, 2], [0, 1, 0, 5, 2]]
    assert project(torch.ones(1, 3, 1), torch.full((1, 3, 3), 9.0), SHAPE)[0, 0, -1, -1, -1] == 3.0


def test_takes_the_precision_of_the_points_under_autocast():
    features, points = features_and_points(0.9)
    with torch.autocast("cpu", torch.bfloat16):
        grid = project(features.bfloat16(), points.float(), SHAPE)
    assert grid.dtype == torch.float32
    expected = project(features.bfloat16().double(), points, SHAPE)
    torch.testing.assert_close(grid.double(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 4, 4), (4, 4)])
def test_refuses_grids_without_extent(shape):
    features, points = features_and_points()
    with pytest.raises(ValueError, match="three axes of two voxels or more"):
        project(features, points, shape)
