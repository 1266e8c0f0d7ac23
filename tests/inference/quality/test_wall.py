import numpy as np
import pytest
import trimesh

from custom.inference.quality.wall import DENSITY, wall_between, withhold_walls
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


@pytest.mark.parametrize("doubted", ["MYO", "LV"])
def test_a_wall_of_which_a_surface_is_not_to_be_used_has_no_mass(doubted):
    measured = {"mass_g": 120.0, "thickness_mm": {"mean": 9.0, "largest": 12.0}}
    structures = {"LV": {"trust": "check"}, "MYO": {"trust": "ok", **measured}}
    assert withhold_walls(structures) == structures
    structures[doubted]["trust"] = "do not use"
    assert withhold_walls(structures)["MYO"] == {
        "trust": structures["MYO"]["trust"],
        "mass_g": None,
        "thickness_mm": {"mean": None, "largest": None},
    }
    assert withhold_walls(structures)["LV"] == structures["LV"]
