import numpy as np
import pytest
import trimesh

from custom.geometry.isosurface import isosurface

INDEX = np.stack(np.meshgrid(*(np.arange(size) for size in (24, 28, 32)), indexing="ij"), -1).astype(float)


def ball(centre, radius, softness=2.0):
    """Probability that falls across the ball's surface, one half on it."""
    distance = radius - np.linalg.norm(INDEX - centre, axis=-1)
    return 1 / (1 + np.exp(-distance / softness * 4))


def surface(probability):
    return trimesh.Trimesh(*isosurface(probability), process=False)


def test_a_ball_where_it_is():
    mesh = surface(ball((10.3, 14.2, 15.6), 6.5))
    assert mesh.is_watertight and mesh.is_winding_consistent and mesh.euler_number == 2
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * 6.5**3, rel=0.02)
    np.testing.assert_allclose(np.linalg.norm(mesh.vertices - (10.3, 14.2, 15.6), axis=1), 6.5, atol=0.05)


def test_the_largest_piece_without_its_cavity():
    pieces = np.maximum(ball((10, 14, 10), 7) - ball((10, 14, 10), 3), ball((16, 20, 26), 4))
    mesh = surface(pieces)
    assert mesh.euler_number == 2 and mesh.body_count == 1 and mesh.is_watertight
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * 7**3, rel=0.03)


def test_closed_at_the_border():
    mesh = surface(ball((0, 14, 16), 8))
    assert mesh.is_watertight and mesh.volume > 0
    assert mesh.bounds[0, 0] == pytest.approx(-0.5, abs=0.05)


def test_probabilities_of_exactly_one_half_and_noise_are_no_trouble():
    steps = np.round(ball((11, 14, 16), 7) * 2) / 2
    noise = np.random.default_rng(0).random(INDEX.shape[:3])
    for probability in (steps, noise):
        mesh = surface(probability)
        assert mesh.is_watertight and mesh.is_winding_consistent and mesh.body_count == 1
        assert mesh.area_faces.min() > 0


def test_nothing_is_refused():
    with pytest.raises(ValueError, match="no surface"):
        isosurface(np.full((4, 5, 6), 0.5))


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_probabilities_must_be_finite(odd):
    probability = ball((11, 14, 16), 7)
    probability[3, 4, 5] = odd
    with pytest.raises(ValueError, match="not finite"):
        isosurface(probability)
