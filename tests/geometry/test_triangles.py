import igl
import numpy as np
import pytest
import torch

from custom.geometry.triangles import TriangleFrames, closest_point_weights, planar_distance_squared


def _pairs(seed):
    """Points and triangles, some of them slivers, segments or single points."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.randn(400, 3, 3, generator=generator, dtype=torch.float64)
    corners[:40, 2] = 0.3 * corners[:40, 0] + 0.7 * corners[:40, 1]
    corners[40:60, 1] = corners[40:60, 0]
    corners[60:80, 1:] = corners[60:80, :1]
    corners[80:120, 2] = corners[80:120, :2].mean(1) + 1e-4 * corners[80:120, 2]
    return 1.5 * torch.randn(400, 3, generator=generator, dtype=torch.float64), corners


def _reference(points, corners):
    """libigl's squared distances: to the edges where there is no area, where its distance to triangles is off."""
    triangle, edges = np.array([[0, 1, 2]]), np.array([[0, 1], [1, 2], [2, 0]])
    parts = [edges] * 80 + [triangle] * 320
    cases = zip(points.numpy(), corners.numpy(), parts, strict=True)
    return torch.tensor([igl.point_mesh_squared_distance(p[None], c, part)[0][0] for p, c, part in cases])


@pytest.mark.parametrize("seed", range(3))
def test_weights_give_the_closest_point(seed):
    points, corners = _pairs(seed)
    squared = _reference(points, corners)
    weights = closest_point_weights(points, corners)
    closest = (weights[..., None] * corners).sum(1)
    torch.testing.assert_close(weights.sum(1), torch.ones(400, dtype=torch.float64), atol=1e-12, rtol=0)
    assert (weights >= 0).all()
    torch.testing.assert_close((points - closest).square().sum(1), squared, atol=1e-9, rtol=0)


@pytest.mark.parametrize("seed", range(3))
def test_frames_give_the_distance(seed):
    points, corners = _pairs(seed)
    squared = _reference(points, corners)
    frames = TriangleFrames(corners)
    x, y, z = torch.einsum("fac,fc->af", frames.axes, points - frames.origin)
    found = z.square() + planar_distance_squared(x, y, frames.base, *frames.apex.T)
    torch.testing.assert_close(found, squared, atol=1e-9, rtol=0)
