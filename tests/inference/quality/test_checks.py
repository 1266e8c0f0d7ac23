"""Measures of a mesh that need no truth, on balls whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from custom.frames import centred_affine
from custom.inference.quality.checks import Grid, contrast, is_cut, missed_ml, voxels_inside
from custom.mesh import Mesh
from custom.template import icosphere

GRID = Grid((60, 64, 70), centred_affine((60, 64, 70), (1.5, 1.25, 1.0), (10, -20, 900)))
RADIUS = 20.0


def _ball(offset=(0.0, 0.0, 0.0)) -> Mesh:
    vertices, faces = icosphere(4)
    return Mesh("LV", RADIUS * vertices.numpy() + [10, -20, 900] + offset, faces.numpy())


def _distance() -> np.ndarray:
    """mm from the ball's centre."""
    index = np.stack(np.meshgrid(*(np.arange(size) - (size - 1) / 2 for size in GRID.shape), indexing="ij"), -1)
    return np.linalg.norm(index * [1.5, 1.25, 1.0], axis=-1)


def test_contrast_reads_blood_and_the_soft_tissue_around():
    distance = _distance()
    values = np.select([distance < 14, distance < 20, distance < 23, distance < 30], [350, 120, 90, 60], -800)
    values = np.where(np.indices(GRID.shape)[0] < 12, -850, values)  # lung at one side
    inside = voxels_inside(_ball(), GRID)
    # 14 of 17 mm are bright: (14 / 17)^3 = 56 % of the core
    assert contrast(values, inside, inside, GRID) == {"blood_hu": 350, "surroundings_hu": 60}


def test_other_chambers_are_no_surroundings():
    distance = _distance()
    values = np.where(distance < 20, 300, np.where(np.indices(GRID.shape)[2] > 25, 310, 70))
    inside = voxels_inside(_ball(), GRID)
    assert contrast(values, inside, inside, GRID)["surroundings_hu"] == 310
    assert contrast(values, inside, inside | (values == 310), GRID)["surroundings_hu"] == 70


def test_contrast_where_there_is_nothing_to_read():
    nothing = np.zeros(GRID.shape, dtype=bool)
    values = np.full(GRID.shape, -800.0)
    assert contrast(values, nothing, nothing, GRID) == {"blood_hu": None, "surroundings_hu": None}
    one = nothing.copy()
    one[30, 30, 30] = True  # no voxel is deep enough
    assert contrast(values, one, one, GRID) == {"blood_hu": -800, "surroundings_hu": None}


@pytest.mark.parametrize(("offset", "axis"), [(30.0, 0), (-26.0, 1), (20.0, 2)])
def test_what_is_cut_is_the_cap_beyond_the_edge(offset, axis):
    shift = np.zeros(3)
    shift[axis] = offset
    half = (GRID.shape[axis] - 1) / 2 * GRID.affine[axis, axis] - 2
    share = (RADIUS + abs(offset) - half) / (2 * RADIUS)  # of a sphere's area, by Archimedes
    assert is_cut(_ball(shift).vertices, [GRID]).mean() == pytest.approx(share, abs=0.02)
    assert not is_cut(_ball().vertices, [GRID]).any()
    wider = Grid((90, 90, 90), centred_affine((90, 90, 90), (2, 2, 2), (10, -20, 900)))
    assert not is_cut(_ball(shift).vertices, [wider]).any() and is_cut(_ball(shift).vertices, [wider, GRID]).any()


def test_half_a_chamber_is_missed():
    ball, across = _distance() < 20, np.indices(GRID.shape)[1]
    expected = (ball & (across >= 32 + 4)).sum() * 1.875 / 1000  # 4 voxels of 1.25 mm are 5 mm
    assert missed_ml(ball, ball & (across < 32), GRID) == pytest.approx(expected, rel=0.02)


def test_walls_and_pieces_apart_are_not_missed():
    inside, apart = _distance() < 15, np.zeros(GRID.shape, dtype=bool)
    apart[2:9, 2:9, 2:9] = True
    assert missed_ml((_distance() < 19) | apart, inside, GRID) == 0
    assert missed_ml(inside, np.zeros_like(inside), GRID) == 0
