"""What a reader is told beside volumes, from a report."""

from __future__ import annotations

import pytest

from custom.anatomy.finding import NEEDS, OSTIA
from custom.anatomy.measurements import OSTIUM_UNITS, UNITS
from custom.anatomy.wall import SEGMENTS
from custom.function.excursion import NAME as EXCURSION
from custom.function.volumes import measure_function
from custom.inference.quality.indexing import STRUCTURES as INDEXED
from custom.inference.quality.indexing import indexed_function
from custom.inference.quality.values import values_of
from custom.measured import Value
from custom.terms import LANDMARKS, MEASUREMENTS

WALL = {"mass_g": 131.5, "thickness_mm": {"mean": 9.1, "largest": None}, "trust": "ok"}


def test_all_that_is_found_has_a_term():
    beat = [10.0 * place for place in range(10)]
    function = measure_function(beat, {"LV": beat, "LA": beat}, {"LV": ["ok"] * 10, "LA": ["ok"] * 10})
    assert set(LANDMARKS) == {*NEEDS, *OSTIA}
    wall = {"lv_mass", "lv_wall_thickness_mean", "lv_wall_thickness_largest"}
    segments = {f"{segment}{ending}" for segment in SEGMENTS for ending in ("", "_largest")}
    indices = {*INDEXED.values(), *indexed_function(function, 2.0)}
    veins = {f"{ostium}_{key}" for ostium in OSTIA for key in OSTIUM_UNITS}
    assert set(MEASUREMENTS) == {*UNITS, *function, EXCURSION, *indices, *wall, *segments, *veins}


@pytest.mark.parametrize("trust", ["ok", "check", "do not use"])
def test_the_wall_is_trusted_no_more_than_both_its_surfaces(trust):
    values = values_of({"structures": {"LV": {"trust": trust}, "MYO": WALL}})
    reason = None if trust == "ok" else "so is the surface of LV"
    assert values["lv_mass"] == Value(None if trust == "do not use" else 131.5, "g", trust, reason)
    largest = values["lv_wall_thickness_largest"]
    assert largest.value is None and largest.trust == "do not use" and largest.reason


def test_shares_are_told_in_per_cent_and_what_is_missing_stays_so():
    measure = {"unit": "1", "trust": "check", "reason": None}
    refused = {"unit": "1", "trust": "do not use", "reason": "a gap", "value": None}
    measures = {"LV_ejection_fraction": {**measure, "value": 0.6237}, "LA_emptying_fraction": refused}
    values = values_of({"structures": {}, "function": {"measures": measures}})
    assert values["LV_ejection_fraction"] == Value(62.4, "%", "check", None)
    assert values["LA_emptying_fraction"] == Value(None, "%", "do not use", "a gap")
