import pytest

from custom.inference.quality.assessment import withhold_walls


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
