import igl
import numpy as np
import pytest
import torch

from custom.geometry.surface_distance import _nearest_by_search, _nearest_by_tree, signed_distance
from custom.geometry.triangles import closest_point_weights


def _random_points(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, 3, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_distance_to_a_sphere(icosphere):
    vertices, faces = icosphere(4)
    points = _random_points(2, 500)
    scaled = torch.stack([0.8 * vertices, 1.3 * vertices])
    expected = points.norm(dim=-1) - torch.tensor([[0.8], [1.3]])
    torch.testing.assert_close(signed_distance(points, scaled, faces), expected, atol=3e-3, rtol=0)


@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-12), (torch.float32, 2e-6)])
def test_folded_meshes_have_exact_distances_and_winding_signs(folded, dtype, tolerance):
    vertices, faces = folded
    vertices = vertices.to(dtype)
    points = 0.7 * _random_points(1500, seed=2, dtype=dtype)
    v, p = vertices.double().numpy(), points.double().numpy()
    squared, _, _ = igl.point_mesh_squared_distance(p, v, faces.numpy())
    expected = np.sqrt(squared) * np.where(igl.winding_number(v, faces.numpy(), p) > 0.5, -1, 1)
    found = signed_distance(points[None], vertices[None], faces)[0]
    assert found.dtype == dtype
    np.testing.assert_allclose(found.numpy(), expected, atol=tolerance, rtol=0)


def test_search_without_a_tree_finds_triangles_as_near(folded, icosphere):
    """Of several meshes at once, from points near and far, at the centre of a sphere too, where all are as near."""
    vertices, faces = icosphere(3)
    meshes = torch.stack([vertices, 0.3 * vertices + 0.4, vertices * torch.tensor([1.0, 0.2, 1.0])])
    points = torch.cat([0.7 * _random_points(3, 500, seed=3), torch.zeros(3, 1, 3), 20 * _random_points(3, 9)], 1)
    for where, some, triangles in ((points, meshes, faces), (points[:1], folded[0][None], folded[1])):
        distances = []
        for search in (_nearest_by_search, _nearest_by_tree):
            found = triangles[search(where, some, triangles)]
            corners = torch.stack([mesh[index] for mesh, index in zip(some, found, strict=True)])
            closest = (closest_point_weights(where, corners).unsqueeze(-1) * corners).sum(-2)
            distances.append((where - closest).norm(dim=-1))
        torch.testing.assert_close(*distances, atol=1e-12, rtol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_what_the_cpu_gives(folded):
    vertices, faces = (x.cuda() for x in folded)
    points = 0.7 * _random_points(4000, seed=2).cuda()
    found = signed_distance(points[None], vertices[None], faces)
    expected = signed_distance(points[None].cpu(), vertices[None].cpu(), faces.cpu())
    torch.testing.assert_close(found.cpu(), expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize("seed", range(3))
def test_gradients_equal_finite_differences(icosphere, seed):
    """Points near faces, edges and vertices alike, of two different meshes."""
    vertices, faces = icosphere(0)
    vertices = (vertices + 0.1 * _random_points(2, len(vertices), seed=seed)).requires_grad_()
    points = _random_points(2, 25, seed=seed + 10).requires_grad_()
    assert torch.autograd.gradcheck(lambda v, p: signed_distance(p, v, faces), (vertices, points), atol=1e-6)


def test_gradient_on_the_surface_is_the_normal(icosphere):
    """At a vertex, on an edge and in a face the distance is zero and pushing the surface outward lowers it."""
    vertices, faces = icosphere(1)
    a, b, c = vertices[faces[0]]
    points = torch.stack([a, (a + b) / 2, (a + b + c) / 3])[None]
    vertices = vertices[None].requires_grad_()
    distance = signed_distance(points, vertices, faces)
    torch.testing.assert_close(distance.detach(), torch.zeros(1, 3, dtype=torch.float64), atol=1e-15, rtol=0)
    for k in range(3):
        (gradient,) = torch.autograd.grad(distance[0, k], vertices, retain_graph=True)
        torch.testing.assert_close(gradient.sum((0, 1)).norm(), torch.tensor(1.0, dtype=torch.float64))
        assert (gradient.sum((0, 1)) * points[0, k].detach()).sum() < -0.8


def test_a_degenerate_triangle_does_no_harm(icosphere):
    vertices, faces = icosphere(1)
    vertices = vertices.clone()
    vertices[faces[0, 1]] = vertices[faces[0, 0]]
    vertices = vertices[None].requires_grad_()
    distance = signed_distance(torch.cat([_random_points(1, 100), vertices.detach()], dim=1), vertices, faces)
    distance.sum().backward()
    assert distance.isfinite().all() and vertices.grad.isfinite().all()


def test_descent_fits_a_sphere_to_an_ellipsoid(icosphere):
    """The distance of points on the target, minimised over the vertices, carries the mesh there."""
    vertices, faces = icosphere(2)
    axes = torch.tensor([1.2, 0.9, 0.7], dtype=torch.float64)
    target = torch.nn.functional.normalize(_random_points(500), dim=1) * axes
    moving = vertices.clone()[None].requires_grad_()
    optimiser = torch.optim.Adam([moving], lr=0.02)
    for _ in range(50):
        optimiser.zero_grad()
        loss = signed_distance(target[None], moving, faces).square().mean()
        loss.backward()
        optimiser.step()
    assert loss.item() < 1e-4


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda p, v, f: (p[0], v, f), "N, P, 3"),
        (lambda p, v, f: (p.expand(2, -1, -1), v, f), "2 meshes"),
        (lambda p, v, f: (p, v, f[:0]), "faces"),
        (lambda p, v, f: (p.float(), v, f), "dtype"),
        (lambda p, v, f: (p, v * torch.nan, f), "finite"),
        (lambda p, v, f: (p, v * 1e200, f), "finite"),
    ],
)
def test_wrong_input_is_named(icosphere, change, message):
    vertices, faces = icosphere(0)
    with pytest.raises(ValueError, match=message):
        signed_distance(*change(_random_points(1, 5), vertices[None], faces))
