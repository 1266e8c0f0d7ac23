"""Fair surfaces: crumples go, triangles become even, the shape at large stays, wherever and however large it is."""

from __future__ import annotations

import pytest
import torch
from scipy.spatial.transform import Rotation

from custom.geometry.mending.fairing import fair

ROUNDS, TANGENTIAL, BENDING = 10, 0.5, 0.1
"""As in inference.json."""


@pytest.fixture
def ellipsoid(icosphere):
    vertices, faces = icosphere(4)
    return vertices.double()[None] * torch.tensor([30.0, 20.0, 45.0]), faces


def off_ellipsoid(surface: torch.Tensor) -> torch.Tensor:
    """How far vertices are off the ellipsoid above, as a share of its radius there."""
    return (surface / torch.tensor([30.0, 20.0, 45.0])).norm(dim=-1) - 1


def evenness(surface: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """Of every triangle 4 sqrt(3) area / sum of squared edges: 1 for an equilateral one, 0 for a needle."""
    a, b, c = surface[:, faces].unbind(2)
    area = torch.linalg.cross(b - a, c - a).norm(dim=-1) / 2
    return 4 * 3**0.5 * area / ((b - a).square() + (c - b).square() + (a - c).square()).sum(-1)


def test_no_round_leaves_every_bit(ellipsoid):
    surface, faces = ellipsoid
    assert torch.equal(fair(surface, faces, 0, TANGENTIAL, BENDING), surface)


def test_what_is_smooth_stays_where_it_is(ellipsoid):
    surface, faces = ellipsoid
    assert off_ellipsoid(fair(surface, faces, ROUNDS, TANGENTIAL, BENDING)).abs().max() < 0.006


def test_crumples_go(ellipsoid):
    surface, faces = ellipsoid
    noise = 0.03 * torch.randn(surface.shape[1], generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    crumpled = surface * (1 + noise)[:, None]
    before, after = (
        off_ellipsoid(vertices).square().mean().sqrt()
        for vertices in (crumpled, fair(crumpled, faces, ROUNDS, TANGENTIAL, BENDING))
    )
    assert after < 0.5 * before


def test_triangles_become_even(icosphere):
    """A sphere whose vertices were drawn towards a pole, along the sphere."""
    vertices, faces = icosphere(4)
    drawn = vertices.double()[None] + torch.tensor([0.0, 0.0, 0.7])
    drawn = drawn / drawn.norm(dim=-1, keepdim=True)
    result = fair(drawn, faces, ROUNDS, TANGENTIAL, 0.0)
    assert evenness(result, faces).quantile(0.05) > evenness(drawn, faces).quantile(0.05) + 0.02
    assert (result.norm(dim=-1) - 1).abs().max() < 0.01


def test_turned_moved_and_scaled_alike(ellipsoid):
    surface, faces = ellipsoid
    surface = surface + torch.randn(surface.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    rotation = torch.from_numpy(Rotation.from_euler("xyz", [0.3, -1.1, 2.0]).as_matrix())
    shift = torch.tensor([5.0, -80.0, 3.0], dtype=torch.float64)
    moved = fair(0.1 * surface @ rotation.T + shift, faces, ROUNDS, TANGENTIAL, BENDING)
    expected = 0.1 * fair(surface, faces, ROUNDS, TANGENTIAL, BENDING) @ rotation.T + shift
    torch.testing.assert_close(moved, expected)


def test_meshes_do_not_know_of_each_other(ellipsoid):
    surface, faces = ellipsoid
    pair = torch.cat([surface, 2 * surface + torch.rand(surface.shape, dtype=torch.float64)])
    both = fair(pair, faces, ROUNDS, TANGENTIAL, BENDING)
    for alone, result in zip(pair.split(1), both.split(1), strict=True):
        torch.testing.assert_close(fair(alone, faces, ROUNDS, TANGENTIAL, BENDING), result)
