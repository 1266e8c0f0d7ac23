"""The aortic annulus where blood goes on beyond the ventricle, in scans made of the true structures."""

from __future__ import annotations

import numpy as np
import pytest

from custom.anatomy import find_anatomy
from custom.anatomy.outlet import blood_beyond
from custom.anatomy.planes import Surface
from custom.mesh import Mesh
from custom.profiles import Scan
from custom.template import icosphere

SOUND = {"LA": "ok", "LV": "ok"}


def centre_and_normal(landmark):
    return np.array(landmark["centre_ras_mm"]), np.array(landmark["normal_ras"])


@pytest.fixture(scope="module")
def by_shape(meshes):
    return find_anatomy(meshes, SOUND, None)


@pytest.mark.parametrize("blood", [250, 450])
def test_the_outlet_is_found_where_blood_goes_on(meshes, by_shape, truth, scans, blood):
    ventricle = Surface.of(next(mesh for mesh in meshes if mesh.name == "LV"))
    beyond = blood_beyond(ventricle, scans[blood])
    assert beyond.shape == (len(ventricle.vertices),) and beyond.min() == 0 and beyond.max() == 1
    found = find_anatomy(meshes, SOUND, None, scan=scans[blood]).landmarks["aortic_annulus"]
    assert found["trust"] == "check" and found["contour_ras_mm"] is None
    centre, normal = centre_and_normal(found)
    true = truth["aortic annulus"]
    before = np.linalg.norm(centre_and_normal(by_shape.landmarks["aortic_annulus"])[0] - true["centre"])
    assert np.linalg.norm(centre - true["centre"]) < min(3.0, before)
    assert normal @ np.array(true["normal"]) > np.cos(np.radians(12))


def test_without_contrast_shape_alone_tells(meshes, by_shape, scans):
    found = find_anatomy(meshes, SOUND, None, scan=scans[45])
    assert found.landmarks["aortic_annulus"] == by_shape.landmarks["aortic_annulus"]


def test_profiles_start_at_the_surface():
    """A ball of blood with a canal upwards: open above, closed below."""
    centres = np.stack(np.meshgrid(*[np.arange(-29.0, 30, 1)] * 3, indexing="ij"), axis=-1)
    aside = np.linalg.norm(centres[..., :2], axis=-1)
    blood = (np.linalg.norm(centres, axis=-1) < 15) | ((aside < 8) & (centres[..., 2] > 0))
    affine = np.eye(4)
    affine[:3, 3] = -29.0
    vertices, faces = (x.numpy() for x in icosphere(4))
    ball, scan = Mesh("LV", 15.0 * vertices, faces), Scan(np.where(blood, 400, 50).astype(np.int16), affine)
    beyond = blood_beyond(Surface.of(ball), scan)
    above = vertices[:, 2] > np.cos(np.radians(14))
    assert (beyond[above] == 1).all() and (beyond[vertices[:, 2] < 0.7] == 0).all()
