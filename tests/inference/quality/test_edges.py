"""Edges of blood along the normals of a surface, where it is known how far off it is."""

from __future__ import annotations

import numpy as np
import pytest

from custom.frames import voxel_to_ras
from custom.inference.quality.edges import edge_distance, find_edges
from custom.mesh import Mesh
from custom.profiles import Scan
from custom.template import icosphere

OBLIQUE = np.array([[0.1, -0.8, 0.2, 30.0], [0.9, 0.1, 0.1, -20.0], [0.05, 0.1, -1.2, 40.0], [0, 0, 0, 1]])
SHAPE = (60, 64, 48)
RADIUS = 14.0


def ball(outside: float = 50.0, blur: float = 1.0) -> tuple[Scan, np.ndarray]:
    """A scan of a ball of blood (400) in tissue, and its centre in RAS mm."""
    centre = voxel_to_ras(np.array([[30.0, 32.0, 24.0]]), OBLIQUE)[0]
    voxels = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), axis=-1)
    distance = np.linalg.norm(voxel_to_ras(voxels, OBLIQUE) - centre, axis=-1) - RADIUS
    return Scan(outside + (400 - outside) / (1 + np.exp(distance / (blur / 2))), OBLIQUE), centre


@pytest.mark.parametrize("error", [-2.0, -0.3, 0.0, 1.5])
def test_a_surface_is_as_far_from_the_edge_as_it_was_drawn(error):
    scan, centre = ball()
    vertices, faces = (x.numpy() for x in icosphere(3))
    found = find_edges(Mesh("LV", centre + (RADIUS + error) * vertices, faces), scan)
    np.testing.assert_allclose(found.offset, -error, atol=0.15)
    np.testing.assert_allclose(found.step, 350, atol=10)


def test_no_edge_where_little_changes_or_nothing_is_within_reach():
    vertices, faces = (x.numpy() for x in icosphere(2))
    faint, centre = ball(outside=330.0)
    assert np.isnan(find_edges(Mesh("LV", centre + RADIUS * vertices, faces), faint).offset).all()
    scan, centre = ball()
    assert np.isnan(find_edges(Mesh("LV", centre + 4.0 * vertices, faces), scan).offset).all()


def test_the_nearest_of_several_edges_counts():
    """Blood again, beyond a thin wall: another chamber."""
    scan, centre = ball()
    voxels = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), axis=-1)
    distance = np.linalg.norm(voxel_to_ras(voxels, OBLIQUE) - centre, axis=-1)
    scan = scan._replace(values=np.where(distance > RADIUS + 3.5, 380.0, scan.values))
    vertices, faces = (x.numpy() for x in icosphere(3))
    found = find_edges(Mesh("LA", centre + (RADIUS + 0.5) * vertices, faces), scan)
    np.testing.assert_allclose(found.offset, -0.5, atol=0.45)


def test_a_thin_wall_before_lung_is_the_edge():
    """Not the middle between blood and air, which lies further out."""
    scan, centre = ball(blur=1.5)
    voxels = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), axis=-1)
    distance = np.linalg.norm(voxel_to_ras(voxels, OBLIQUE) - centre, axis=-1)
    scan = scan._replace(values=np.where(distance > RADIUS + 2.5, -800.0, scan.values))
    vertices, faces = (x.numpy() for x in icosphere(3))
    found = find_edges(Mesh("LA", centre + RADIUS * vertices, faces), scan)
    assert abs(found.offset.mean()) < 0.2


def test_walls_count_and_what_is_near_another_chamber_does_not():
    scan, centre = ball()
    vertices, faces = (x.numpy() for x in icosphere(4))
    near = vertices[:, 2] > 0.5
    bulged = centre + (RADIUS + np.where(near, 4.0, 0.5))[:, None] * vertices
    other = Mesh("LV", centre + [0, 0, 2 * RADIUS] + RADIUS * vertices, faces)
    own = Mesh("LA", bulged, faces)
    assert edge_distance(own, [own], find_edges(own, scan))["edge_mm"] > 1.0
    found = edge_distance(own, [own, other], find_edges(own, scan))
    assert found["edge_mm"] < 0.9 and found["edge_share"] > 0.9
    assert edge_distance(own._replace(name="MYO"), [own], find_edges(own, scan)) == {
        "edge_mm": None,
        "edge_share": None,
    }


def test_a_few_edges_are_not_told():
    scan, centre = ball()
    voxels = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), axis=-1)
    height = (voxel_to_ras(voxels, OBLIQUE) - centre)[..., 2]
    scan = scan._replace(values=np.where(height > -7.0, 380.0, scan.values))
    vertices, faces = (x.numpy() for x in icosphere(3))
    own = Mesh("LV", centre + RADIUS * vertices, faces)
    found = edge_distance(own, [own], find_edges(own, scan))
    assert found["edge_mm"] is None and 0 < found["edge_share"] < 0.5
