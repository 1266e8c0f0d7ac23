"""Tongues that leave the region go back into the surface, and a surface near it stays as it is."""

import numpy as np
import pytest

from custom.frames import centred_affine, ras_to_voxel, voxel_to_ras
from custom.geometry.mending.outliers import distance_outside, remove_outliers

RADIUS, SHAPE = 20.0, (40, 48, 44)


@pytest.fixture
def sphere(icosphere):
    vertices, faces = icosphere(4)
    return RADIUS * vertices.numpy().astype(float), faces.numpy()


@pytest.fixture(params=[(1.5, 1.5, 1.5), (1.5, 2.5, 1.0)])
def ball(request):
    """A ball of the sphere's radius, and its affine."""
    affine = centred_affine(SHAPE, request.param)
    grid = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)
    return np.linalg.norm(voxel_to_ras(grid.reshape(-1, 3), affine), axis=1).reshape(SHAPE) < RADIUS, affine


def tongue(vertices, length):
    """All within 25 degrees of the anterior pole, drawn out; the further in the middle, the longer."""
    cosine = vertices[:, 1] / RADIUS
    return vertices * (1 + length / RADIUS * np.clip((cosine - np.cos(0.44)) / (1 - np.cos(0.44)), 0, None))[:, None]


def withdrawn(vertices, faces, region, affine, furthest=8.0):
    return remove_outliers(vertices, faces, distance_outside(region, affine, furthest), affine, furthest)


def radii(vertices):
    return np.linalg.norm(vertices, axis=1)


def test_a_surface_near_the_region_stays_as_it_is(sphere, ball):
    vertices, faces = sphere
    near = tongue(vertices, 5.0)
    assert np.array_equal(withdrawn(near, faces, *ball), near)


@pytest.mark.parametrize("length", [12.0, 25.0])
def test_a_tongue_goes_and_the_rest_stays(sphere, ball, length):
    vertices, faces = sphere
    drawn = tongue(vertices, length)
    result = withdrawn(drawn, faces, *ball)
    assert radii(drawn).max() > RADIUS + length - 1
    assert RADIUS < radii(result).max() < RADIUS + 8.5
    far = vertices[:, 1] < RADIUS * np.cos(0.9)
    assert np.array_equal(result[far], drawn[far])


def test_one_vertex_far_out_is_a_spike(sphere, ball):
    vertices, faces = sphere
    spiked = vertices.copy()
    spiked[100] *= 3
    result = withdrawn(spiked, faces, *ball)
    assert radii(result).max() < RADIUS + 8.5 and (result != spiked).any(1).sum() < 60


def test_specks_beside_the_region_do_not_count(sphere, ball):
    vertices, faces = sphere
    region, affine = ball
    specked = region.copy()
    specked[tuple(ras_to_voxel(np.array([0.0, 32.0, 0.0]), affine).round().astype(int))] = True  # at the tongue's tip
    drawn = tongue(vertices, 12.0)
    assert np.array_equal(withdrawn(drawn, faces, specked, affine), withdrawn(drawn, faces, *ball))


def test_a_part_beside_the_region_counts(sphere, ball):
    """The surface may follow an appendage whose neck is too thin for the region's voxels."""
    vertices, faces = sphere
    region, affine = ball
    grid = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)
    appendage = np.linalg.norm(voxel_to_ras(grid.reshape(-1, 3), affine) - [0, 29, 0], axis=1).reshape(SHAPE) < 7
    drawn = tongue(vertices, 12.0)
    assert np.array_equal(withdrawn(drawn, faces, region | appendage, affine), drawn)


def test_without_a_region_nothing_is_known(sphere, ball):
    vertices, faces = sphere
    drawn = tongue(vertices, 25.0)
    assert np.array_equal(withdrawn(drawn, faces, np.zeros(SHAPE, dtype=bool), ball[1]), drawn)


def test_a_region_cut_by_its_grid_goes_on(sphere):
    vertices, faces = sphere
    affine = centred_affine(SHAPE, (0.5, 0.5, 0.5))  # 20 mm wide, all of it inside
    assert np.array_equal(withdrawn(vertices, faces, np.ones(SHAPE, dtype=bool), affine, furthest=1.0), vertices)


def test_vertices_must_be_finite(sphere, ball):
    vertices, faces = sphere
    with pytest.raises(ValueError, match="finite"):
        withdrawn(vertices * np.nan, faces, *ball)


def test_a_millilitre_counts_and_a_voxel_less_does_not():
    region = np.zeros((14, 12, 12), dtype=bool)
    region[:10, :10, :10] = True
    assert distance_outside(region, np.eye(4), 8.0)[13, 0, 0] == 4
    region[0, 0, 0] = False
    assert not distance_outside(region, np.eye(4), 8.0).any()
    assert distance_outside(region[:0], np.eye(4), 8.0).shape == (0, 12, 12)


def test_how_far_out_a_vertex_is_is_read_between_voxels(sphere):
    """Of a region that ends at a plane: the way grows evenly, and only beyond `furthest` is anything withdrawn."""
    _, faces = sphere
    region = np.zeros((30, 20, 20), dtype=bool)
    region[:10] = True
    vertices = np.full((faces.max() + 1, 3), 5.0)
    outside = distance_outside(region, np.eye(4), 4.2)
    for beyond, moved in ((4.3, True), (4.1, False)):
        vertices[7] = [9 + beyond, 10, 10]
        assert (remove_outliers(vertices, faces, outside, np.eye(4), 4.2) != vertices).any() == moved
