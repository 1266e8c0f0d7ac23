import torch

from custom.baselines.voxel2mesh.unpooling import GrowingSurface, distance_to_segments
from custom.geometry.subdivision import edges_of
from custom.template import icosphere


def sphere(subdivisions=1):
    vertices, faces = icosphere(subdivisions)
    return GrowingSurface(0.5 * vertices, faces, vertices, vertices[:, :1].repeat(1, 4))


def test_unpooling_puts_a_vertex_on_every_edge():
    surface = sphere()
    finer, ends = surface.unpooled()
    assert len(finer.vertices) == len(surface.vertices) + len(ends) == int(finer.faces.max()) + 1
    assert torch.equal(finer.vertices[: len(surface.vertices)], surface.vertices)
    torch.testing.assert_close(finer.vertices[len(surface.vertices) :], surface.vertices[ends].mean(1))
    torch.testing.assert_close(finer.sphere.norm(dim=1), torch.ones(len(finer.sphere)).double())
    torch.testing.assert_close(
        finer.hidden[:, 0][len(surface.vertices) :], finer.vertices[len(surface.vertices) :, 0] * 2
    )


def test_those_that_moved_stay():
    surface = sphere()
    finer, ends = surface.unpooled()
    old, share = len(surface.vertices), 0.3
    number = int(share * len(ends))
    moved = torch.randperm(len(ends), generator=torch.Generator().manual_seed(0))[:number] + old
    vertices = finer.vertices.clone()
    vertices[moved] *= 1.2
    thinned = finer._replace(vertices=vertices).thinned(ends, share)
    expected = torch.cat([vertices[:old], vertices[moved.sort().values]])
    assert torch.equal(thinned.vertices, expected)
    assert len(thinned.hidden) == len(thinned.sphere) == old + number
    assert len(thinned.faces) == 2 * (old + number) - 4
    edges_of(thinned.faces)  # closed


def test_distances_to_segments():
    starts = torch.zeros(3, 3)
    ends = torch.tensor([[2.0, 0, 0], [2, 0, 0], [0, 0, 0]])
    points = torch.tensor([[1.0, 3, 0], [5, 4, 0], [0, 0, 2]])  # beside, beyond an end, of a segment without length
    torch.testing.assert_close(distance_to_segments(points, starts, ends), torch.tensor([3.0, 5, 2]))
