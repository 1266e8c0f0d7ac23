"""All numbers of a case that a reader is told beside the volumes, from its report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...chambers import CHAMBERS
from ...measured import TRUSTS, Value, trust_of
from ...terms import MEASUREMENTS
from .doubt import usable

_SHARE = "_fraction"
"""How the names of measures end that are told in per cent, as clinics do; the report has shares of 1."""


def values_of(report: Mapping[str, Any]) -> dict[str, Value]:
    """The measurements of anatomy, wall and beat that a report has, by the names and in the order of `MEASUREMENTS`."""
    found = dict(_wall(report["structures"]))
    for name, measure in {**report.get("measurements", {}), **report.get("function", {}).get("measures", {})}.items():
        value, unit = measure["value"], measure["unit"]
        if name.endswith(_SHARE):
            value, unit = None if value is None else round(100 * value, 1), "%"
        found[name] = Value(value, unit, measure["trust"], measure["reason"])
    return {name: found[name] for name in MEASUREMENTS if name in found}


def _wall(structures: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Value]]:
    """Mass and thickness of the muscle, trusted no more than the two surfaces that it lies between."""
    for name, checks in structures.items():
        if "mass_g" not in checks:
            continue
        both = {each: structures[each] for each in (name, CHAMBERS[name].around)}
        trust, reason = trust_of(list(both), {each: of["trust"] for each, of in both.items()}).values()
        thickness = checks["thickness_mm"]
        measured = {
            "lv_mass": (checks["mass_g"], "g"),
            "lv_wall_thickness_mean": (thickness["mean"], "mm"),
            "lv_wall_thickness_largest": (thickness["largest"], "mm"),
        }
        for key, (value, unit) in measured.items():
            if not all(usable(each) for each in both.values()):
                yield key, Value(None, unit, trust, reason)
            elif value is None:
                yield key, Value(None, unit, TRUSTS[-1], "the two surfaces enclose no wall")
            else:
                yield key, Value(value, unit, trust, reason)
