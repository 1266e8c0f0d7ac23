import pytest
import torch

from custom.baselines.triangulation import edges_of, subdivide, triangulate_sphere
from custom.metrics import mesh_area, mesh_volume
from custom.template import icosphere


def as_set(faces):
    return {frozenset(face) for face in faces.tolist()}


def test_edges_know_their_faces():
    vertices, faces = icosphere(2)
    edges = edges_of(faces)
    assert len(vertices) - len(edges.ends) + len(faces) == 2  # Euler, for a sphere
    for edge, (ends, sides) in enumerate(zip(edges.ends.tolist(), edges.faces.tolist(), strict=True)):
        for face in sides:
            assert set(ends) <= set(faces[face].tolist())
            assert edge in edges.of_face[face]
    first = edges.ends[edges.of_face[:, 0]].sort(1).values
    assert torch.equal(first, faces[:, :2].sort(1).values)


def test_an_open_mesh_is_refused():
    _, faces = icosphere(1)
    with pytest.raises(ValueError, match="not closed"):
        edges_of(faces[1:])


def test_subdivision_keeps_the_surface():
    vertices, faces = icosphere(1)
    finer, ends = subdivide(faces, len(vertices))
    middles = torch.cat([vertices, vertices[ends].mean(1)])
    assert len(finer) == 4 * len(faces) and len(middles) == int(finer.max()) + 1
    edges_of(finer)  # closed
    assert mesh_area(middles, finer) == pytest.approx(mesh_area(vertices, faces), rel=1e-12)
    assert mesh_volume(middles, finer) == pytest.approx(mesh_volume(vertices, faces), rel=1e-12)  # winding too


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
        assert mesh_volume(points, faces) > 0


def test_an_icosphere_is_its_own_triangulation():
    vertices, faces = icosphere(2)
    assert as_set(triangulate_sphere(vertices)) == as_set(faces)
