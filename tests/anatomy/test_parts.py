"""Outlines, and the segments of the wall, where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from custom.anatomy.planes import fit_plane, outline, perimeter, polygon_area, unit, widths
from custom.anatomy.sections import loop_round, narrowest_section
from custom.anatomy.ventricle import segments

NORMAL = unit(np.array([0.3, -0.5, 0.8]))


def ellipse(count: int, seed: int = 0) -> np.ndarray:
    """Points within an ellipse of semi-axes 20 and 14 mm about (5, 6, 7), across `NORMAL`."""
    rng = np.random.default_rng(seed)
    radius, angle = np.sqrt(rng.uniform(size=count)), rng.uniform(0, 2 * np.pi, count)
    first = unit(np.cross(NORMAL, [0, 0, 1]))
    second = np.cross(NORMAL, first)
    x, y = 20 * radius * np.cos(angle), 14 * radius * np.sin(angle)
    return np.array([5.0, 6, 7]) + x[:, None] * first + y[:, None] * second


def test_the_outline_of_an_ellipse_has_its_area_perimeter_and_axes():
    points = ellipse(4000)
    centre, normal = fit_plane(points, np.ones(len(points)), NORMAL)
    np.testing.assert_allclose(normal, NORMAL, atol=1e-6)
    contour = outline(points, centre, normal, share=0.99)
    assert polygon_area(contour, normal) == pytest.approx(np.pi * 20 * 14, rel=0.05)
    assert perimeter(contour) == pytest.approx(107.7, rel=0.05)  # Ramanujan's formula
    first = unit(np.cross(NORMAL, [0, 0, 1]))
    np.testing.assert_allclose(widths(contour, np.stack([first, np.cross(NORMAL, first)])), [40, 28], rtol=0.06)
    assert np.abs((contour - centre) @ normal).max() < 1e-6


def test_an_outline_fills_what_a_direction_lacks():
    points = ellipse(4000)
    side = (points - [5, 6, 7]) @ unit(np.cross(NORMAL, [0, 0, 1]))
    contour = outline(points[side < 16], np.array([5.0, 6, 7]), NORMAL)
    assert np.isfinite(contour).all() and len(contour) == 48


def test_a_section_is_the_smallest_line_round_the_point():
    """Of two balls side by side, that about the point, a circle; beside both there is none."""
    ball = trimesh.creation.icosphere(4, 10.0)
    vertices = np.concatenate([ball.vertices, ball.vertices + [30.0, 0, 0]])
    faces = np.concatenate([ball.faces, ball.faces + len(ball.vertices)])
    loop = loop_round(vertices, faces, np.array([31.0, 0, 6]), np.array([0.0, 0, 1]))
    assert polygon_area(loop, np.array([0.0, 0, 1])) == pytest.approx(np.pi * 64, rel=0.02)
    np.testing.assert_allclose(np.linalg.norm(loop - [30, 0, 6], axis=1), 8, rtol=0.02)
    assert loop_round(vertices, faces, np.array([15.0, 0, 6]), np.array([0.0, 0, 1])) is None
    assert loop_round(vertices, faces, np.array([0.0, 0, 60]), np.array([0.0, 0, 1])) is None


def test_the_narrowest_section_is_found_though_one_looks_askew():
    """Of an hourglass, from its middle on and 15 degrees off its axis."""
    ball = trimesh.creation.icosphere(5, 20.0)
    vertices = ball.vertices * [1, 1, 1.5]
    vertices[:, :2] *= (0.4 + 0.6 * np.abs(vertices[:, 2:] - 4) / 20).clip(max=1)
    askew = unit(np.array([0.2, 0.17, 1.0]))
    neck = narrowest_section(vertices, ball.faces, np.array([0.0, 0, -2]), askew, 10.0)
    assert polygon_area(neck, np.array([0.0, 0, 1])) == pytest.approx(np.pi * (0.4 * 20) ** 2, rel=0.06)
    assert np.abs(neck[:, 2] - 4).max() < 2
    assert narrowest_section(vertices, ball.faces, np.array([60.0, 0, 0]), askew, 10.0) is None


BASE, APEX = np.zeros(3), np.array([0.0, 0, -90])  # the axis runs down
SEPTUM = np.array([1.0, 0, 0])  # to the patient's right, so that the anterior wall is in front
PLACES = {
    1: (0, 25, -10), 2: (20, 12, -10), 3: (20, -12, -10), 4: (0, -25, -10), 5: (-20, -12, -10), 6: (-20, 12, -10),
    7: (0, 25, -45), 8: (20, 12, -45), 9: (20, -12, -45), 10: (0, -25, -45), 11: (-20, -12, -45), 12: (-20, 12, -45),
    13: (0, 15, -75), 14: (15, 0, -75), 15: (0, -15, -75), 16: (-15, 0, -75), 17: (2, 1, -89),
}  # fmt: skip
"""By number a point of each segment, in a ventricle whose apex is below: Cerqueira et al., figure 4."""


def test_the_17_segments_are_those_of_the_american_heart_association():
    points = np.array(list(PLACES.values()), dtype=float)
    assert segments(points, BASE, APEX, SEPTUM).tolist() == list(PLACES)
