"""Spikes go back into the surface, and a surface without them stays as it is."""

import numpy as np
import pytest

from custom.geometry.intersections import self_intersections
from custom.geometry.spikes import withdraw_spikes


@pytest.fixture
def sphere(icosphere):
    vertices, faces = icosphere(4)
    return vertices.numpy().astype(float), faces.numpy()


def longest_edge(vertices, faces):
    lengths = np.linalg.norm(vertices[faces] - vertices[faces[:, [1, 2, 0]]], axis=2)
    return lengths.max() / np.median(lengths)


def test_a_surface_without_spikes_stays_as_it_is(sphere):
    vertices, faces = sphere
    stretched = vertices * [1.0, 1.0, 3.0]
    assert longest_edge(stretched, faces) < 8
    assert np.array_equal(withdraw_spikes(stretched, faces, 8.0), stretched)


@pytest.mark.parametrize("length", [1.0, 5.0])
def test_spikes_go_and_the_rest_stays(sphere, length):
    vertices, faces = sphere
    tips = [100, 700, 1500]
    spiked = vertices.copy()
    spiked[tips] *= 1 + length
    result = withdraw_spikes(spiked, faces, 8.0)
    assert longest_edge(result, faces) <= 8 * 1.01
    assert np.abs(np.linalg.norm(result, axis=1) - 1).max() < 0.15 * length
    assert (result != spiked).any(1).sum() < 200
    assert len(self_intersections(result, faces)) == 0


def test_any_unit_will_do(sphere):
    vertices, faces = sphere
    vertices[5] *= 4
    assert np.allclose(withdraw_spikes(1000 * vertices, faces, 8.0), 1000 * withdraw_spikes(vertices, faces, 8.0))
