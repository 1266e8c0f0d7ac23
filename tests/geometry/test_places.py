"""Places on a mesh go where its vertices go."""

from __future__ import annotations

import numpy as np
import pytest

from custom.geometry.places import nearest_faces, nearest_places


@pytest.fixture
def sphere(icosphere):
    vertices, faces = icosphere(3)
    return vertices.numpy(), faces.numpy()


def test_the_nearest_face_is_the_one_over_whose_middle_a_point_lies(sphere):
    vertices, faces = sphere
    assert np.array_equal(nearest_faces(1.3 * vertices[faces].mean(1), vertices, faces), np.arange(len(faces)))


def test_points_on_the_mesh_are_their_own_places(sphere):
    vertices, faces = sphere
    weights = np.random.default_rng(0).dirichlet([1, 1, 1], len(faces))
    points = np.einsum("fc,fcx->fx", weights, vertices[faces])
    places = nearest_places(points, vertices, faces)
    np.testing.assert_allclose(places.on(vertices), points, atol=1e-12)
    np.testing.assert_allclose(places.weights.sum(1), 1)
    assert (places.weights >= 0).all()


def test_they_go_with_the_mesh(sphere):
    vertices, faces = sphere
    points = np.random.default_rng(0).normal(size=(200, 3))
    places = nearest_places(points, vertices, faces)
    matrix, shift = np.random.default_rng(1).normal(size=(3, 3)), np.array([5.0, -80.0, 3.0])
    np.testing.assert_allclose(places.on(vertices @ matrix + shift), places.on(vertices) @ matrix + shift, atol=1e-10)
    assert np.abs(np.linalg.norm(places.on(vertices), axis=1) - 1).max() < 0.01
