import pytest
import torch

from custom.baselines.surface_losses import (
    bending,
    chamfer,
    laplacian,
    nearest,
    sample_surface,
    squared_edge_lengths,
)
from custom.baselines.triangulation import edges_of
from custom.template import icosphere

TETRAHEDRON = torch.tensor([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=torch.float64)
FACES = torch.tensor([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]])


def cloud(seed, *shape):
    return torch.randn(*shape, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_samples_lie_on_the_surface_evenly():
    torch.manual_seed(0)
    box = torch.tensor([3.0, 1.0, 1.0], dtype=torch.float64) * TETRAHEDRON
    points, normals = sample_surface(torch.stack([box, 2 * box]), FACES.expand(2, -1, -1), 20000)
    assert points.shape == normals.shape == (2, 20000, 3)
    a, b, c = box[FACES].unbind(1)
    unit = torch.nn.functional.normalize(torch.linalg.cross(b - a, c - a), dim=-1)
    face = (normals[0] @ unit.T).argmax(1)
    torch.testing.assert_close(normals[0], unit[face])
    torch.testing.assert_close((points[0] * unit[face]).sum(-1), (a * unit).sum(-1)[face])
    # by area, here the same for all faces; and even within each: the mean is the face's centroid
    for index in range(4):
        own = points[0, face == index]
        assert len(own) == pytest.approx(5000, rel=0.06)
        torch.testing.assert_close(own.mean(0), box[FACES[index]].mean(0), rtol=0, atol=0.1)


def test_nearest_and_chamfer_agree_with_brute_force():
    points, others = cloud(0, 2, 40), cloud(1, 2, 50)
    distance = torch.cdist(points, others)
    assert torch.equal(nearest(points, others), distance.argmin(2))
    expected = distance.amin(2).square().mean(1) + distance.amin(1).square().mean(1)
    torch.testing.assert_close(chamfer(points, others), expected)


def test_laplacian_points_to_the_neighbours_mean():
    """At a vertex of a tetrahedron the others' mean is minus a third of it."""
    offset = laplacian(TETRAHEDRON.unsqueeze(0), edges_of(FACES))
    torch.testing.assert_close(offset[0], -4 / 3 * TETRAHEDRON)


def test_edges_and_bending_of_a_tetrahedron():
    edges = edges_of(FACES)
    torch.testing.assert_close(squared_edge_lengths(TETRAHEDRON[None], edges), torch.full((1, 6), 8.0).double())
    expected = torch.full((1, 6), 4 / 3).double()  # normals of its faces meet at cosine -1/3
    torch.testing.assert_close(bending(TETRAHEDRON[None], FACES, edges), expected)


@pytest.mark.parametrize("term", ["chamfer", "laplacian", "edge", "bending", "sample"])
def test_gradients(term):
    vertices, faces = icosphere(0)
    edges = edges_of(faces)
    vertices = (vertices + 0.1 * cloud(2, 12)).unsqueeze(0).requires_grad_()
    target = cloud(3, 1, 30)

    def sampled(v):
        torch.manual_seed(0)
        return sample_surface(v, faces.unsqueeze(0), 7)

    function = {
        "chamfer": lambda v: chamfer(v, target),
        "laplacian": lambda v: laplacian(v, edges),
        "edge": lambda v: squared_edge_lengths(v, edges),
        "bending": lambda v: bending(v, faces, edges),
        "sample": sampled,
    }[term]
    assert torch.autograd.gradcheck(function, (vertices,))
