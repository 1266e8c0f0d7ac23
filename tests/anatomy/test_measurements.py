"""What is measured of a ventricle whose shape is known."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from custom.anatomy.measurements import measure_short_axis
from custom.anatomy.planes import Plane
from custom.mesh import Mesh


@pytest.mark.parametrize("turn", [Rotation.identity(), Rotation.from_euler("xyz", (30, -50, 110), degrees=True)])
def test_short_axis_diameters_are_those_of_the_ellipse_a_third_down(turn):
    sphere = trimesh.creation.icosphere(4)
    vertices = turn.apply(sphere.vertices * (20.0, 30.0, 45.0)) + 7
    mitral = Plane(turn.apply([0.0, 0.0, 45.0]) + 7, turn.apply([0.0, 0.0, -1.0]), None)
    found = measure_short_axis(
        Mesh("LV", vertices, np.asarray(sphere.faces)), mitral, turn.apply([0.0, 0.0, -45.0]) + 7
    )
    narrower = np.sqrt(1 - (15 / 45) ** 2)
    assert found["lv_short_axis_largest_diameter"] == pytest.approx(60 * narrower, rel=0.01)
    assert found["lv_short_axis_smallest_diameter"] == pytest.approx(40 * narrower, rel=0.01)


def test_no_diameter_where_the_axis_leaves_the_ventricle():
    sphere = trimesh.creation.icosphere(3)
    mitral = Plane(np.array([30.0, 0.0, 45.0]), np.array([0.0, 0.0, -1.0]), None)
    mesh = Mesh("LV", np.asarray(sphere.vertices) * 20, np.asarray(sphere.faces))
    assert measure_short_axis(mesh, mitral, np.array([30.0, 0.0, -45.0])) == {}
