import numpy as np
import pytest
import trimesh

from custom.anatomy import find_anatomy
from custom.anatomy.planes import Surface
from custom.anatomy.regions import FIRST_SEGMENT
from custom.anatomy.wall import DENSITY, measure_segments, wall_between
from custom.mesh import Mesh


def sphere(name: str, radius: float, centre: tuple[float, float, float] = (0, 0, 0)) -> Mesh:
    made = trimesh.creation.icosphere(5, radius)
    return Mesh(name, np.asarray(made.vertices) + centre, np.asarray(made.faces))


def test_a_shell_has_its_thickness_and_mass():
    found = wall_between(sphere("MYO", 40), sphere("LV", 30))
    assert found["mass_g"] == pytest.approx(DENSITY * 4 / 3 * np.pi * (4.0**3 - 3.0**3), rel=2e-3)
    assert found["thickness_mm"] == {"mean": pytest.approx(10, abs=0.05), "largest": pytest.approx(10, abs=0.05)}


def test_where_the_surfaces_meet_there_is_no_wall():
    found = wall_between(sphere("MYO", 40), sphere("LV", 30, (9.9, 0, 0)))
    assert 10 < found["thickness_mm"]["mean"] < 13 and 18 < found["thickness_mm"]["largest"] < 20
    assert wall_between(sphere("MYO", 31), sphere("LV", 30))["thickness_mm"] == {"mean": None, "largest": None}


def test_each_segment_has_the_thickness_of_its_place():
    """An epicardium shifted along x: thick on one side, thin on the other, no wall where the segment is not."""
    outer, inner = sphere("MYO", 40, (5, 0, 0)), Surface.of(sphere("LV", 30))
    regions = np.where(
        inner.vertices[:, 0] > 20, FIRST_SEGMENT, np.where(inner.vertices[:, 0] < -20, FIRST_SEGMENT + 16, 0)
    )
    found = measure_segments(outer, inner, regions)
    assert set(found) == {f"lv_wall_thickness_{name}" for name in ("1", "1_largest", "17", "17_largest")}
    assert found["lv_wall_thickness_1"] == pytest.approx(14, abs=0.5) and found["lv_wall_thickness_1_largest"] <= 15.05
    assert found["lv_wall_thickness_17"] == pytest.approx(6, abs=0.5)


def test_the_report_has_every_segment_with_the_trust_of_what_it_rests_on(meshes, network):
    ventricle = next(mesh for mesh in meshes if mesh.name == "LV")
    centre = ventricle.vertices.mean(0)
    muscle = Mesh("MYO", centre + 1.3 * (ventricle.vertices - centre), ventricle.faces)
    for trust, expected in (("ok", "check"), ("do not use", "do not use")):  # the aortic annulus is an estimate
        found = find_anatomy([*meshes, muscle], {"LA": "ok", "LV": "ok", "MYO": trust}, network).measurements
        walls = {name: value for name, value in found.items() if "thickness" in name}
        assert len(walls) == 34 and {value["unit"] for value in walls.values()} == {"mm"}
        assert {value["trust"] for value in walls.values() if value["value"]} <= {expected}
        assert all((value["value"] is None) == (trust == "do not use") for value in walls.values())
    assert not any("thickness" in name for name in find_anatomy(meshes, {"LA": "ok", "LV": "ok"}, network).measurements)
