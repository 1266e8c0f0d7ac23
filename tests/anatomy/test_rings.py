"""Rings on which valves hang: as curves, in sections of a scan, and moved with the space round them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from stand_in import OBLIQUE

from custom.anatomy.planes import Plane, axes_of
from custom.anatomy.ring_motion import MOST, ORDERS, PLANE, limited, motion, seen_from, waves_at, waves_of
from custom.anatomy.rings import ANGLES, PITCH, PIXELS, SECTIONS, Ring, sections
from custom.frames import voxel_to_ras
from custom.profiles import Scan

TURN = Rotation.from_euler("xyz", (40, -25, 70), degrees=True).as_matrix()
CENTRE = np.array([12.0, -40.0, 160.0])
REACH = 16.0


def ellipse(points: int = 48, saddle: float = 2.0) -> np.ndarray:
    """(P, 3) of 40 by 30 mm."""
    angles = np.linspace(0, 2 * np.pi, points, endpoint=False) + 0.3
    local = np.stack([20 * np.cos(angles), 15 * np.sin(angles), saddle * np.cos(2 * angles)], axis=1)
    return CENTRE + local @ TURN.T


@pytest.fixture
def ring() -> Ring:
    return Ring.through(ellipse(), CENTRE, TURN[:, 2])


def test_a_ring_goes_through_its_contour(ring):
    fine = ellipse(4000)
    apart = np.linalg.norm(ring.points[:, None] - fine[None], axis=-1).min(1)
    assert apart.max() < 0.1
    again = Ring.of(ring.plane)
    np.testing.assert_allclose(again.radii, ring.radii, atol=0.1)
    np.testing.assert_allclose(again.heights, ring.heights, atol=0.1)
    circle = Ring.round(Plane(CENTRE, TURN[:, 2], None), 12.0)
    np.testing.assert_allclose(np.linalg.norm(circle.points - CENTRE, axis=1), 12.0)


def test_a_moved_ring_has_an_axis_of_its_own(ring):
    along = 3 + 0.1 * ring.radii * np.cos(ANGLES)  # up by 3 mm, and tilted by 0.1
    moved = ring.moved(np.ones(SECTIONS), along)
    points = ring._replace(radii=ring.radii + 1, heights=ring.heights + along).points
    apart = np.linalg.norm(moved.points[:, None] - points[None], axis=-1).min(1)
    assert apart.max() < 2.5  # between sections
    first, _ = axes_of(ring.normal)
    assert moved.normal @ ring.normal == pytest.approx(np.cos(np.arctan(0.1)), abs=2e-3)
    assert moved.normal @ first < 0 and (moved.centre - ring.centre) @ ring.normal == pytest.approx(3, abs=0.3)


def test_sections_show_the_scan_across_the_ring(ring):
    """Of values that run straight, trilinear ones are exact."""
    affine = OBLIQUE @ np.diag([0.9, 0.8, 1.2, 1.0])
    shape = np.array([130, 130, 100])
    affine[:3, 3] += CENTRE - voxel_to_ras((shape[None] - 1) / 2, affine)[0]
    voxels = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    slope = np.array([3.0, -2.0, 1.0])
    found = sections(Scan((voxel_to_ras(voxels, affine) - CENTRE) @ slope, affine), ring)
    assert found.shape == (SECTIONS, PIXELS, PIXELS)
    at = (np.arange(PIXELS) - (PIXELS - 1) / 2) * PITCH
    points = ring.points[:, None, None] + at[:, None, None] * ring.normal + at[:, None] * ring.outward[:, None, None]
    np.testing.assert_allclose(found, (points - CENTRE) @ slope, atol=1e-2)


def test_waves_agree_with_what_is_certain():
    true = np.zeros(len(ORDERS))
    true[:3] = 1.5, -1.0, 0.5
    offsets = waves_at(ANGLES) @ true
    np.testing.assert_allclose(waves_of(offsets, np.full(SECTIONS, -2.0)), true, atol=0.05)
    assert np.abs(waves_of(offsets, np.full(SECTIONS, 2.0))).max() < 0.75  # hardly seen: less than half of it
    wild = np.where(np.arange(SECTIONS) == 4, 9.0, offsets)
    unsure = np.where(np.arange(SECTIONS) == 4, 2.0, -2.0)
    np.testing.assert_allclose(waves_of(wild, unsure), true, atol=0.05)
    assert np.abs(waves_at(ANGLES) @ limited(10 * true)).max() == pytest.approx(MOST)


def test_what_lies_on_the_disc_moves_and_tilts_with_it(ring):
    flat = ring._replace(heights=np.zeros(SECTIONS), radii=np.full(SECTIONS, 18.0))
    along = np.zeros(len(ORDERS))
    along[:3] = 2.0, 1.0, 0.0
    rng = np.random.default_rng(0)
    places = rng.uniform(-12, 12, (200, 2))
    first, second = axes_of(flat.normal)
    points = flat.centre + places[:, :1] * first + places[:, 1:] * second
    moved = motion(points, flat, np.zeros(len(ORDERS)), along, REACH)
    expected = 2.0 + places[:, 0] / 18.0
    np.testing.assert_allclose(moved, expected[:, None] * flat.normal, atol=0.05)
    assert not motion(points + 17 * flat.normal, flat, along, along, REACH).any()


def test_the_motion_folds_nothing(ring):
    """Its derivative is smaller than 1, by differences, for the furthest way that is gone at once."""
    rng = np.random.default_rng(1)
    for _ in range(5):
        aside, along = (limited(100 * rng.normal(size=len(ORDERS)) * (ORDERS < 3)) / 2 for _ in range(2))
        points = ring.centre + rng.uniform(-35, 35, (3000, 3))
        step = 1e-3
        slopes = [
            (motion(points + step * unit, ring, aside, along, REACH) - motion(points, ring, aside, along, REACH)) / step
            for unit in np.eye(3)
        ]
        assert (np.linalg.det(np.eye(3) + np.stack(slopes, axis=-1)) > 0).all()


def test_points_are_seen_from_the_disc(ring):
    seen = seen_from(ring, ring.points)
    np.testing.assert_allclose(seen.share, 1, atol=1e-9)
    np.testing.assert_allclose([seen.beyond, seen.height], 0, atol=1e-9)
    outside = seen_from(ring, ring.points + 2 * ring.outward)
    np.testing.assert_allclose(outside.beyond, 2, atol=1e-9)
    assert PLANE.sum() == 3
