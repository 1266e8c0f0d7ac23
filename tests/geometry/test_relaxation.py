"""Relaxed triangles are even, and the surface is where it was."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from custom.geometry.mending.relaxation import Relaxation
from custom.mesh import triangle_areas

ROUNDS = 100
"""As in inference.json."""


@pytest.fixture
def crowded(icosphere):
    """A sphere of 30 mm whose vertices were drawn towards a pole, along the sphere."""
    vertices, faces = icosphere(4)
    drawn = vertices.numpy() + [0.0, 0.0, 0.6]
    return 30 * drawn / np.linalg.norm(drawn, axis=1, keepdims=True), faces.numpy()


def spread(vertices, faces):
    low, high = np.percentile(triangle_areas(vertices[faces]), [5, 95])
    return high / low


def test_crowded_triangles_grow_at_the_cost_of_the_others(crowded):
    vertices, faces = crowded
    relaxed = Relaxation(faces, len(vertices))(vertices, ROUNDS)
    assert spread(vertices, faces) > 7
    assert spread(relaxed, faces) < 0.85 * spread(vertices, faces)
    assert np.abs(np.linalg.norm(relaxed, axis=1) - 30).max() < 0.3


def test_no_round_leaves_them(crowded):
    vertices, faces = crowded
    np.testing.assert_array_equal(Relaxation(faces, len(vertices))(vertices, 0), vertices.astype(np.float32))


def test_even_triangles_stay(icosphere):
    vertices, faces = icosphere(4)
    relaxed = Relaxation(faces.numpy(), len(vertices))(30 * vertices.numpy(), ROUNDS)
    assert np.linalg.norm(relaxed - 30 * vertices.numpy(), axis=1).max() < 1.5  # of edges of 2.1


def test_faces_without_area_do_not_carry_vertices_away(crowded):
    vertices, faces = crowded
    collapsed, away = np.where(vertices[:, 2:] > 25, [0.0, 0.0, 28.0], vertices), np.array([200.0, 0, 0])
    relaxed = Relaxation(faces, len(vertices))(collapsed + away, 5) - away
    assert np.linalg.norm(relaxed, axis=1).max() < 31
    assert np.isfinite(Relaxation(faces, len(vertices))(np.full_like(vertices, 7.0), 5)).all()


@pytest.mark.parametrize("mirrored", [False, True])
def test_turned_moved_mirrored_and_scaled_alike(crowded, mirrored):
    vertices, faces = crowded
    matrix = 2 * Rotation.from_euler("xyz", [0.3, -1.1, 2.0]).as_matrix() * [1, 1, -1 if mirrored else 1]
    relax = Relaxation(faces, len(vertices))
    expected = relax(vertices, ROUNDS) @ matrix + [5, -80, 3]
    np.testing.assert_allclose(relax(vertices @ matrix + [5, -80, 3], ROUNDS), expected, atol=0.02)
