"""Volumes by body surface, as clinics compare patients of different size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...measured import TRUSTS, trust_of

ENDING, UNIT = "_index", "mL/m2"
STRUCTURES = {"LA": "la_volume_index", "LV": "lv_volume_index"}
"""Whose volumes are indexed, and under which of the report's measurements."""


def indexed_volumes(structures: Mapping[str, Mapping[str, Any]], body_surface: float | None) -> dict[str, Any]:
    """Measurements of the report: volume in mL by m² of `body_surface` of each of `STRUCTURES` that is there.

    Empty where the body surface is not known. Of a surface that is not to be used there is no value.
    """
    if body_surface is None:
        return {}
    trusts = {name: checks["trust"] for name, checks in structures.items()}
    return {
        measurement: {
            "value": None if trusts[name] == TRUSTS[-1] else structures[name]["volume_ml"] / body_surface,
            "unit": UNIT,
            **trust_of((name,), trusts),
        }
        for name, measurement in STRUCTURES.items()
        if name in structures
    }


def indexed_function(measures: Mapping[str, Mapping[str, Any]], body_surface: float | None) -> dict[str, Any]:
    """Measures of the beat: each volume in mL by m² of `body_surface`; empty where that is not known."""
    if body_surface is None:
        return {}
    return {
        f"{name}{ENDING}": {
            **measure,
            "value": None if measure["value"] is None else round(measure["value"] / body_surface, 3),
            "unit": UNIT,
        }
        for name, measure in measures.items()
        if measure["unit"] == "mL"
    }
