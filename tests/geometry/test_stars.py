"""Stars that are called flat have no faces that meet anywhere but at their vertex and their shared edges."""

from __future__ import annotations

import numpy as np
import pytest

from custom.geometry import intersections
from custom.geometry.intersections import self_intersections
from custom.geometry.stars import Stars


def fan(points: int, turns: int = 1, height: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """A cone of faces whose apex, vertex 0, they surround so many times, closed by a second apex, the last vertex."""
    angles = np.arange(points) * 2 * np.pi * turns / points
    rim = np.stack([np.cos(angles), np.sin(angles), np.zeros(points)], axis=1)
    vertices = np.concatenate([[[0, 0, height]], rim, [[0, 0, -height]]])
    here, there = np.arange(points) + 1, np.roll(np.arange(points), -1) + 1
    faces = np.stack([np.zeros(points, int), here, there], axis=1)
    below = np.stack([np.full(points, points + 1), there, here], axis=1)
    return vertices, np.concatenate([faces, below])


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_star_that_turns_more_than_once_is_not_flat(turns):
    vertices, faces = fan(7, turns)
    assert Stars(faces, len(vertices)).flat(vertices[faces], faces)[0] == (turns == 1)


def test_a_star_that_is_folded_over_is_not_flat():
    vertices, faces = fan(8)
    vertices[3] = vertices[1] + [0.1, -0.4, 0.2]
    assert not Stars(faces, len(vertices)).flat(vertices[faces], faces)[0]


def test_stars_at_a_border_or_at_a_doubled_face_are_not_flat():
    vertices, faces = fan(6)
    assert Stars(faces, len(vertices)).flat(vertices[faces], faces).all()
    for changed in (faces[1:], np.concatenate([faces, faces[:1]]), np.concatenate([faces, faces[:1, ::-1]])):
        flat = Stars(changed, len(vertices)).flat(vertices[changed], changed)
        assert flat.tolist() == [False, False, False, True, True, True, True, True]


def test_of_some_of_the_faces_only_whole_stars_are_flat():
    vertices, faces = fan(6)
    assert Stars(faces, len(vertices)).flat(vertices[faces[:6]], faces[:6]).tolist() == [True] + [False] * 7


@pytest.mark.parametrize("roughness", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("seed", range(5))
def test_nothing_that_meets_is_passed_over(icosphere, monkeypatch, seed, roughness):
    vertices, faces = icosphere(2)
    vertices = np.asarray(vertices) + np.random.default_rng(seed).normal(0, roughness, np.shape(vertices))
    with monkeypatch.context() as patched:
        patched.setattr(
            intersections.Stars, "flat", lambda self, triangles, faces: np.zeros(faces.max() + 1, dtype=bool)
        )
        everything = self_intersections(vertices, faces)
    assert len(everything) > 0 or roughness < 0.1
    np.testing.assert_array_equal(self_intersections(vertices, faces), everything)


def test_most_of_a_smooth_surface_is_flat(icosphere):
    vertices, faces = (np.asarray(array) for array in icosphere(4))
    assert Stars(faces, len(vertices)).flat(vertices[faces].astype(float), faces).all()
