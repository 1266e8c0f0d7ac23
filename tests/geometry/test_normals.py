import pytest
import torch

from custom.geometry.normals import vertex_normals
from custom.template import icosphere


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_normals_of_a_sphere_point_outward_whatever_the_unit(scale):
    sphere, faces = icosphere(3)
    normals = vertex_normals(scale * sphere[None], faces)
    assert (normals[0] * sphere).sum(-1).min() > 0.999


def test_large_faces_count_for_more():
    """At the apex of a wedge whose right face is three times the left one."""
    vertices = torch.tensor([[0.0, 0, 1], [0, 0, -1], [1, 0, 0], [0, 3, 0]], dtype=torch.float64)
    normals = vertex_normals(vertices[None], torch.tensor([[0, 1, 2], [0, 3, 1]]))
    expected = torch.tensor([[-3.0, -1, 0], [-3, -1, 0], [0, -1, 0], [-1, 0, 0]], dtype=torch.float64)
    torch.testing.assert_close(normals[0], torch.nn.functional.normalize(expected, dim=-1).abs() * normals[0].sign())


def test_without_area_there_is_no_normal():
    sphere, faces = icosphere(1)
    assert torch.equal(vertex_normals(0 * sphere[None], faces), torch.zeros(1, len(sphere), 3, dtype=torch.float64))
