"""Openings are made flat by the surface alone: no library of the extra is needed."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from custom.anatomy.regions import FIRST_VEIN
from custom.mesh import Mesh
from custom.simulation.openings import OPENINGS, flat_openings, volume_mm3


@pytest.fixture
def turned() -> np.ndarray:
    return Rotation.from_euler("xyz", (40.0, -25.0, 70.0), degrees=True).as_matrix()


def atrium(turned: np.ndarray, oblique: float = 0.0) -> Mesh:
    """A ball with a vein, a tube of radius 8 mm whose end is a dome, as far oblique as is said; turned and moved."""
    sphere = trimesh.creation.icosphere(subdivisions=4)
    vertices, up = sphere.vertices * 25, sphere.vertices[:, 2] > 0.94
    share = (sphere.vertices[up, 2] - 0.94) / 0.06
    aside = sphere.vertices[up, :2] / np.linalg.norm(sphere.vertices[up, :2] + 1e-9, axis=1, keepdims=True)
    vertices[up, :2] = aside * 8 * np.sqrt(1 - np.clip(share, 0, 1) ** 4)[:, None]
    vertices[up, 2] = 23.5 + 14 * np.sqrt(np.clip(share, 0, 1)) + oblique * vertices[up, 0]
    regions = np.where(up, FIRST_VEIN, 1).astype(np.int32)
    return Mesh("LA", vertices @ turned.T + (5, -60, 100), np.asarray(sphere.faces, dtype=np.int64), regions)


@pytest.mark.parametrize("oblique", [0.0, 0.3])
def test_a_veins_end_is_flat_and_the_volume_stays(turned, oblique):
    mesh = atrium(turned, oblique)
    flat, (opening,) = flat_openings(mesh)
    assert OPENINGS[opening.region] == "right_superior_vein_end"
    heights = (flat.vertices - opening.centre) @ opening.normal
    np.testing.assert_allclose(heights[opening.vertices], 0, atol=1e-9)
    assert opening.normal @ turned[:, 2] > 0.85  # out of the tube
    assert np.ptp((mesh.vertices - opening.centre)[opening.vertices] @ opening.normal) > 1  # it was a dome
    assert volume_mm3(flat.vertices, flat.faces) == pytest.approx(volume_mm3(mesh.vertices, mesh.faces), rel=1e-5)


def test_what_is_far_from_an_opening_stays(turned):
    mesh = atrium(turned)
    flat, (opening,) = flat_openings(mesh)
    far = np.linalg.norm(mesh.vertices - opening.centre, axis=1) > 30
    np.testing.assert_allclose(flat.vertices[far], mesh.vertices[far], atol=0.05)


def test_a_surface_without_such_regions_has_no_opening(turned):
    mesh = atrium(turned)
    mesh = mesh._replace(regions=np.ones_like(mesh.regions))
    flat, openings = flat_openings(mesh)
    assert openings == []
    np.testing.assert_array_equal(flat.vertices, mesh.vertices)
