import pytest
import torch

from custom.template import GraphOperator, chebyshev_operator, gcn_operator, icosphere, neighbour_table


def dense(operator: GraphOperator) -> torch.Tensor:
    matrix = torch.zeros(len(operator.neighbours), len(operator.neighbours), dtype=torch.float64)
    return matrix.scatter_add_(1, operator.neighbours, operator.weights)


@pytest.mark.parametrize("subdivisions", [0, 1, 3])
def test_icosphere_is_a_closed_outward_unit_sphere(subdivisions):
    vertices, faces = icosphere(subdivisions)
    assert len(vertices) == 10 * 4**subdivisions + 2
    assert len(faces) == 20 * 4**subdivisions
    torch.testing.assert_close(vertices.norm(dim=1), torch.ones(len(vertices), dtype=torch.float64))
    edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    assert len(torch.unique(edges, dim=0)) == len(edges)  # every directed edge once
    assert {tuple(e) for e in edges.tolist()} == {tuple(e[::-1]) for e in edges.tolist()}  # and its reverse
    a, b, c = vertices[faces].unbind(1)
    assert (torch.linalg.cross(b - a, c - a) * (a + b + c)).sum(1).min() > 0


def test_coarse_vertices_are_the_first_of_the_fine_ones():
    coarse, _ = icosphere(3)
    fine, _ = icosphere(4)
    torch.testing.assert_close(fine[: len(coarse)], coarse, rtol=0, atol=1e-12)


def test_neighbours_are_the_mesh_edges():
    _, faces = icosphere(2)
    neighbours, mask = neighbour_table(faces)
    degree = mask.sum(1)
    assert degree.bincount().tolist() == [0, 0, 0, 0, 0, 12, 150]
    found = {(i, j) for i, row in enumerate(neighbours.tolist()) for j, real in zip(row, mask[i], strict=True) if real}
    edges = {(a, b) for f in faces.tolist() for a, b in ((f[0], f[1]), (f[1], f[2]), (f[2], f[0]))}
    assert found == edges | {(b, a) for a, b in edges}


def test_operators_equal_their_definitions():
    _, faces = icosphere(2)
    neighbours, mask = neighbour_table(faces)
    adjacency = dense(GraphOperator(neighbours, mask.double()))
    scale = adjacency.sum(1).rsqrt()
    torch.testing.assert_close(dense(chebyshev_operator(faces)), -scale[:, None] * adjacency * scale)
    loops = adjacency + torch.eye(len(adjacency), dtype=torch.float64)
    scale = loops.sum(1).rsqrt()
    torch.testing.assert_close(dense(gcn_operator(faces)), scale[:, None] * loops * scale)
