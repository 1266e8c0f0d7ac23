import pytest
import torch

from custom.baselines.surface_losses import (
    bending,
    chamfer,
    laplacian,
    nearest,
    squared_edge_lengths,
)
from custom.geometry.subdivision import edges_of
from custom.template import icosphere

TETRAHEDRON = torch.tensor([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=torch.float64)
FACES = torch.tensor([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]])


def cloud(seed, *shape):
    return torch.randn(*shape, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


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


@pytest.mark.parametrize("term", ["chamfer", "laplacian", "edge", "bending"])
def test_gradients(term):
    vertices, faces = icosphere(0)
    edges = edges_of(faces)
    vertices = (vertices + 0.1 * cloud(2, 12)).unsqueeze(0).requires_grad_()
    target = cloud(3, 1, 30)

    function = {
        "chamfer": lambda v: chamfer(v, target),
        "laplacian": lambda v: laplacian(v, edges),
        "edge": lambda v: squared_edge_lengths(v, edges),
        "bending": lambda v: bending(v, faces, edges),
    }[term]
    assert torch.autograd.gradcheck(function, (vertices,))
