"""What the surfaces of another phase of a beat carry along."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from custom.anatomy import find_anatomy, follow_anatomy
from custom.anatomy.following import CARRIED

SOUND = {"LA": "ok", "LV": "ok"}
TURN, SHIFT = Rotation.from_euler("xyz", (4, -3, 5), degrees=True).as_matrix(), np.array([2.0, -5.0, 7.0])


@pytest.fixture(scope="module")
def moved(meshes):
    return [mesh._replace(vertices=mesh.vertices @ TURN.T + SHIFT) for mesh in meshes]


def test_ostia_go_with_the_vertices_and_valves_are_found_anew(meshes, moved, anatomy):
    found = follow_anatomy(anatomy, meshes, moved, SOUND)
    carried = [name for name in CARRIED if name in anatomy.landmarks]
    assert len(carried) >= 5
    for name in carried:
        expected = TURN @ anatomy.landmarks[name]["centre_ras_mm"] + SHIFT
        landmark = found.landmarks[name]
        assert np.linalg.norm(landmark["centre_ras_mm"] - expected) < 1
        assert {key: landmark[key] for key in ("trust", "reason")} == {
            key: anatomy.landmarks[name][key] for key in ("trust", "reason")
        }
    anew = find_anatomy(moved, SOUND, None)
    for name in ("mitral_annulus", "lv_apex", "aortic_annulus", "la_centre"):
        assert found.landmarks[name] == anew.landmarks[name]
    assert found.measurements == anew.measurements and found.measurements["la_appendage_volume"]["value"] is None
    for name, regions in anatomy.regions.items():
        np.testing.assert_array_equal(found.regions[name], regions)


def test_nothing_is_carried_by_a_surface_that_is_not_to_be_used(meshes, moved, anatomy):
    doubted = follow_anatomy(anatomy, meshes, moved, {"LA": "check", "LV": "ok"}).landmarks["la_appendage_ostium"]
    assert doubted["trust"] == "check" and doubted["centre_ras_mm"] is not None
    lost = follow_anatomy(anatomy, meshes, moved, {"LA": "do not use", "LV": "ok"}).landmarks["la_appendage_ostium"]
    assert lost["centre_ras_mm"] is None and lost["trust"] == "do not use"


def test_what_the_first_phase_did_not_show_is_not_there(meshes, moved):
    first = find_anatomy(meshes[1:], {"LV": "ok"}, None)
    found = follow_anatomy(first, meshes[1:], moved[1:], {"LV": "ok"})
    assert all(found.landmarks[name]["centre_ras_mm"] is None for name in CARRIED if name in found.landmarks)
