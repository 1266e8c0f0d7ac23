import pytest
import torch

from custom.geometry.surface_sampling import sample_surface

TETRAHEDRON = torch.tensor([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=torch.float64)
FACES = torch.tensor([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]])


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


def test_normals_of_small_triangles_are_units_too():
    normals = sample_surface(1e-4 * TETRAHEDRON[None], FACES[None], 20)[1]
    torch.testing.assert_close(normals.norm(dim=-1), torch.ones(1, 20, dtype=torch.float64))


def test_points_follow_the_vertices():
    def sampled(vertices):
        torch.manual_seed(0)
        return sample_surface(vertices, FACES[None], 7)

    vertices = (TETRAHEDRON + 0.1 * torch.randn(4, 3, generator=torch.manual_seed(1)))[None].requires_grad_()
    assert torch.autograd.gradcheck(sampled, (vertices,))


def test_a_mesh_without_area_gives_its_place():
    points, _ = sample_surface(torch.full((1, 4, 3), 2.0), FACES[None], 5)
    assert torch.equal(points, torch.full((1, 5, 3), 2.0))
