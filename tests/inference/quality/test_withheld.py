import pytest

from custom.inference.quality.assessment import NOT_EXPECTED, withhold


@pytest.mark.parametrize("doubted", ["MYO", "LV"])
def test_a_wall_of_which_a_surface_is_not_to_be_used_has_no_mass(doubted):
    measured = {"mass_g": 120.0, "thickness_mm": {"mean": 9.0, "largest": 12.0}}
    structures = {"LV": {"trust": "check", **NOT_EXPECTED}, "MYO": {"trust": "ok", **measured, **NOT_EXPECTED}}
    assert withhold(structures) == structures
    structures[doubted]["trust"] = "do not use"
    assert withhold(structures)["MYO"] == {
        "trust": structures["MYO"]["trust"],
        "mass_g": None,
        "thickness_mm": {"mean": None, "largest": None},
        **NOT_EXPECTED,
    }
    assert withhold(structures)["LV"] == structures["LV"]


def test_a_surface_that_is_not_to_be_used_tells_no_share_that_is_expected_to_be_near_the_truth():
    expected = {"expected_within_1_mm": 0.8, "expected_within_2_mm": 0.9, "expected_dice": 0.95}
    told = withhold({"LA": {"trust": "do not use", **expected}, "LV": {"trust": "check", **expected}})
    assert told["LA"] == {**expected, "trust": "do not use", "expected_within_1_mm": None, "expected_within_2_mm": None}
    assert told["LV"] == {**expected, "trust": "check"}
