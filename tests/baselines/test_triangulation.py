import pytest
import torch
import trimesh

from custom.baselines.triangulation import triangulate_sphere
from custom.geometry.subdivision import edges_of
from custom.template import icosphere


def as_set(faces):
    return {frozenset(face) for face in faces.tolist()}


@pytest.mark.parametrize("count", [4, 30, 700])
def test_points_on_a_sphere_become_a_closed_outward_surface(count):
    generator = torch.Generator().manual_seed(count)
    points = torch.nn.functional.normalize(torch.randn(count, 3, generator=generator), dim=-1)
    faces = triangulate_sphere(points)
    assert faces.shape == (2 * count - 4, 3)
    edges_of(faces)
    a, b, c = points[faces].unbind(1)
    assert (torch.linalg.cross(b - a, c - a) * (a + b + c)).sum(-1).min() > -1e-6
    if count > 4:
        assert trimesh.Trimesh(points, faces, process=False).volume > 0


def test_an_icosphere_is_its_own_triangulation():
    vertices, faces = icosphere(2)
    assert as_set(triangulate_sphere(vertices)) == as_set(faces)
