"""Surfaces that move towards each other stop short of meeting."""

from __future__ import annotations

import numpy as np
import pytest

from custom.geometry.facing import APART, short_of_meeting
from custom.geometry.intersections import mutual_intersections
from custom.template import icosphere

SPHERE, FACES = (found.numpy() for found in icosphere(4))
UPPER = 20.0 * SPHERE + [0.0, 0.0, 41.0]  # 1 mm above the lower one
LOWER = 20.0 * SPHERE


def moved(ways):
    kept = short_of_meeting([LOWER, UPPER], [SPHERE, SPHERE], ways)
    return kept, [LOWER + kept[0][:, None] * SPHERE, UPPER + kept[1][:, None] * SPHERE]


@pytest.mark.parametrize(("lower", "upper"), [(1.0, 1.0), (1.5, 0.4), (0.4, 1.5), (2.0, 0.0), (0.0, 2.0), (2.0, -0.5)])
def test_what_would_meet_stops_short_of_it(lower, upper):
    ways = [np.full(len(SPHERE), way) for way in (lower, upper)]
    beyond = [LOWER + lower * SPHERE, UPPER + upper * SPHERE]
    assert len(mutual_intersections(beyond[0], FACES, beyond[1], FACES))
    kept, surfaces = moved(ways)
    assert len(mutual_intersections(surfaces[0], FACES, surfaces[1], FACES)) == 0
    poles = [own[np.linalg.norm(own[:, :2], axis=1) < 2.5, 2] for own in surfaces]
    gap = poles[1][poles[1] > 20].min() - poles[0][poles[0] > 0].max()
    assert APART - 0.05 <= gap < APART + 0.3
    for own, way in zip(kept, ways, strict=True):
        assert (own <= way).all() and (own >= np.minimum(way, 0)).all()
        assert (own == way).mean() > 0.9  # but where they face each other
    if lower == upper:
        assert kept[0].min() == pytest.approx(kept[1].min(), abs=0.05)


def test_ways_that_do_not_meet_stay_as_they_are():
    ways = [np.full(len(SPHERE), 0.3), np.full(len(SPHERE), 0.4)]
    for own, way in zip(moved(ways)[0], ways, strict=True):
        np.testing.assert_array_equal(own, way)
    apart = short_of_meeting([LOWER, UPPER + [0, 0, 9.0]], [SPHERE, SPHERE], [np.full(len(SPHERE), 2.0)] * 2)
    assert all((own == 2).all() for own in apart)


def test_the_inner_of_two_does_not_face_the_outer():
    ways = [np.full(len(SPHERE), 2.0), np.zeros(len(SPHERE))]
    kept = short_of_meeting([LOWER, 1.05 * LOWER], [SPHERE, SPHERE], ways)
    np.testing.assert_array_equal(kept[0], ways[0])


def test_one_that_is_too_near_already_does_not_come_nearer():
    near = UPPER - [0.0, 0.0, 0.95]
    kept = short_of_meeting([LOWER, near], [SPHERE, SPHERE], [np.ones(len(SPHERE)), np.zeros(len(SPHERE))])
    top = LOWER[:, 2] > 19.9
    assert top.any() and np.abs(kept[0][top]).max() < 0.06
