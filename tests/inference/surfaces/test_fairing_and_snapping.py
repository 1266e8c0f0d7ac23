"""Surfaces become fair and finer, and go towards the end of the segmentation: by a share of a short way, less of a
longer one."""

from __future__ import annotations

import pytest
import torch
import trimesh
from stand_in import Ellipsoids

from custom.geometry.mending.fairing import fair
from custom.geometry.subdivision import edges_of
from custom.inference import BoundarySnapping, Fairing, Subdivision, SurfaceInferer
from custom.inference.surfaces.refinement import Seen, Surfaces
from custom.sampling import level_coordinates
from custom.template import icosphere

SIZE, REACH = 64, 0.08
SPACING = 2 / (SIZE - 1)
"""mm of a crop voxel, so that a mm is a normalised unit."""


def seen(radius: float, stride: int) -> Seen:
    """What shows `ball`."""
    return Seen(ball(radius, stride), stride, SPACING)


def ball(radius: float, stride: int, steepness: float = 40.0) -> torch.Tensor:
    """Logits (1, 3, ...) of a ball of class 1 round the crop's middle; of class 2 there is nothing."""
    side = SIZE // stride
    points = level_coordinates(torch.zeros(1, 1, side, side, side), stride)
    own = steepness * (radius - points.norm(dim=1))
    return torch.stack([torch.zeros_like(own), own, torch.full_like(own, -50.0)]).view(1, 3, side, side, side)


@pytest.fixture
def sphere():
    vertices, faces = icosphere(3)
    return vertices.float(), faces


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("way", [0.06, 0.03, 0.01, -0.02, -0.05])
def test_the_way_that_is_gone(sphere, stride, way):
    vertices, faces = sphere
    surfaces = (0.5 * vertices).expand(1, 2, -1, -1)
    moved, same = BoundarySnapping(REACH, share=0.5)(Surfaces(surfaces, faces), seen(0.5 + way, stride))
    assert same is faces
    expected = 0.5 + 0.5 * (1 - (way / REACH) ** 2) * way
    torch.testing.assert_close(moved[0, 0].norm(dim=1), torch.full((len(vertices),), expected), atol=3e-3, rtol=0)
    torch.testing.assert_close(moved[0, 1], surfaces[0, 1])


def test_a_share_of_nothing_leaves_every_bit(sphere):
    vertices, faces = sphere
    surfaces = (0.5 * vertices).expand(1, 2, -1, -1)
    assert torch.equal(BoundarySnapping(REACH, 0.0)(Surfaces(surfaces, faces), seen(0.52, 1))[0], surfaces)


@pytest.mark.parametrize("radius", [0.5 + 1.2 * REACH, 0.5 - 1.2 * REACH])
def test_what_ends_out_of_reach_attracts_nothing(sphere, radius):
    vertices, faces = sphere
    surfaces = (0.5 * vertices).expand(1, 2, -1, -1)
    torch.testing.assert_close(BoundarySnapping(REACH, 1.0)(Surfaces(surfaces, faces), seen(radius, 1))[0], surfaces)


def test_the_nearer_of_two_ends(sphere):
    """A second chamber of the same class, further out along the normals, does not count."""
    vertices, faces = sphere
    surfaces = (0.5 * vertices).expand(1, 2, -1, -1)
    shell = torch.minimum(ball(0.7, 1)[:, 1], -ball(0.54, 1)[:, 1])
    logits = ball(0.48, 1)
    logits[:, 1] = torch.maximum(logits[:, 1], shell)
    found = BoundarySnapping(0.3, 1.0)(Surfaces(surfaces, faces), Seen(logits, 1, SPACING))[0][0, 0].norm(dim=1)
    torch.testing.assert_close(found, torch.full_like(found, 0.48), atol=2e-2, rtol=0)


def test_every_surface_becomes_fair(sphere):
    vertices, faces = sphere
    surfaces = torch.stack([0.5 * vertices, 0.3 * vertices.roll(1, 1)]).repeat(2, 1, 1, 1)
    surfaces = surfaces + 0.02 * torch.randn(surfaces.shape, generator=torch.Generator().manual_seed(0))
    moved, same = Fairing(4, 0.5, 0.1)(Surfaces(surfaces, faces), seen(0.5, 2))
    torch.testing.assert_close(moved[1, 0], fair(surfaces[1, :1], faces, 4, 0.5, 0.1)[0])
    assert same is faces and moved.shape == surfaces.shape and not torch.equal(moved, surfaces)


def test_subdivided_surfaces_are_closed_smooth_and_as_large(sphere):
    vertices, faces = sphere
    surfaces = torch.stack([0.5 * vertices, 0.3 * vertices + 0.1]).unsqueeze(0)
    fine, quarters = Subdivision(2, 3, 0.5, 0.1)(Surfaces(surfaces, faces), seen(0.5, 2))
    assert quarters.shape == (16 * len(faces), 3) and fine.shape == (1, 2, int(quarters.max()) + 1, 3)
    edges_of(quarters)  # raises where a surface is not closed
    assert bend(fine[0, 0], quarters) < 0.75 * bend(vertices, faces)  # midpoints alone leave the largest as it is
    for surface, centre, radius in zip(fine[0], (0.0, 0.1), (0.5, 0.3), strict=True):
        assert ((surface - centre).norm(dim=1) / radius - 1).abs().max() < 0.02


def bend(vertices: torch.Tensor, faces: torch.Tensor) -> float:
    """The largest angle between neighbouring faces, radians."""
    return trimesh.Trimesh(vertices.numpy(), faces.numpy(), process=False).face_adjacency_angles.max()


def test_no_subdivision_leaves_every_bit(sphere):
    vertices, faces = sphere
    surfaces = vertices.expand(1, 2, -1, -1)
    same, as_before = Subdivision(0, 3, 0.5, 0.1)(Surfaces(surfaces, faces), seen(0.5, 2))
    assert torch.equal(same, surfaces) and torch.equal(as_before, faces)


def test_every_pass_goes_through_all_refinements_in_turn():
    network, image = Ellipsoids(3), torch.zeros(2, 1, 32, 32, 32)
    augmentations = [{"shift": [0, 0, 0], "contrast": 1.0}]
    plain = SurfaceInferer(2.0, augmentations)(image, network)
    steps = [
        lambda surfaces, seen: Surfaces(surfaces.vertices + seen.stride, surfaces.faces),
        lambda surfaces, seen: Surfaces(surfaces.vertices * 3, surfaces.faces.flip(0)),
    ]
    refined = SurfaceInferer(2.0, augmentations, steps, lambda surfaces, seen: surfaces)(image, network)
    for key in ("pred", "varied"):
        torch.testing.assert_close(refined[key], 3 * (plain[key] + 2))
    assert refined["pulled_back"].count_nonzero() == 0
    assert torch.equal(refined["segmentation"], plain["segmentation"])
    assert torch.equal(refined["faces"], network.faces.flip(0).expand(2, 2, -1, -1))
