"""Edges of blood along the normals of a surface, where it is known how far off it is."""

from __future__ import annotations

import numpy as np
import pytest

from custom.frames import voxel_to_ras
from custom.inference.quality.edges import find_edges
from custom.inference.record import Grid
from custom.mesh import Mesh
from custom.template import icosphere

OBLIQUE = np.array([[0.1, -0.8, 0.2, 30.0], [0.9, 0.1, 0.1, -20.0], [0.05, 0.1, -1.2, 40.0], [0, 0, 0, 1]])
SHAPE = (60, 64, 48)
RADIUS = 14.0


def ball(outside: float = 50.0, blur: float = 1.0) -> tuple[np.ndarray, Grid, np.ndarray]:
    """HU of a ball of blood (400) in tissue, its grid, and its centre in RAS mm."""
    centre = voxel_to_ras(np.array([[30.0, 32.0, 24.0]]), OBLIQUE)[0]
    voxels = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), axis=-1)
    distance = np.linalg.norm(voxel_to_ras(voxels, OBLIQUE) - centre, axis=-1) - RADIUS
    return outside + (400 - outside) / (1 + np.exp(distance / (blur / 2))), Grid(SHAPE, OBLIQUE), centre


@pytest.mark.parametrize("error", [-2.0, -0.3, 0.0, 1.5])
def test_a_surface_is_as_far_from_the_edge_as_it_was_drawn(error):
    volume, grid, centre = ball()
    vertices, faces = (x.numpy() for x in icosphere(3))
    found = find_edges(Mesh("LV", centre + (RADIUS + error) * vertices, faces), volume, grid)
    np.testing.assert_allclose(found.offset, -error, atol=0.15)
    np.testing.assert_allclose(found.step, 350, atol=10)


def test_no_edge_where_little_changes_or_nothing_is_within_reach():
    vertices, faces = (x.numpy() for x in icosphere(2))
    faint, grid, centre = ball(outside=330.0)
    assert np.isnan(find_edges(Mesh("LV", centre + RADIUS * vertices, faces), faint, grid).offset).all()
    volume, grid, centre = ball()
    assert np.isnan(find_edges(Mesh("LV", centre + 4.0 * vertices, faces), volume, grid).offset).all()


def test_the_nearest_of_several_edges_counts():
    """Blood again, beyond a thin wall: another chamber."""
    volume, grid, centre = ball()
    voxels = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), axis=-1)
    distance = np.linalg.norm(voxel_to_ras(voxels, OBLIQUE) - centre, axis=-1)
    volume = np.where(distance > RADIUS + 3.5, 380.0, volume)
    vertices, faces = (x.numpy() for x in icosphere(3))
    found = find_edges(Mesh("LA", centre + (RADIUS + 0.5) * vertices, faces), volume, grid)
    np.testing.assert_allclose(found.offset, -0.5, atol=0.45)
