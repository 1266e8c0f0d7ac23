"""All that is found on the surfaces of a case, each with its trust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..measured import TRUSTS, trust_of
from ..mesh import Mesh
from .measurements import RESTS_ON, UNITS, measure_annulus, measure_diameters, measure_ventricle
from .planes import Plane, Surface, unit
from .regions import UNKNOWN, atrial_regions, ventricular_regions
from .valves import aortic_annulus, mitral_annulus
from .ventricle import apex_of, septum_of
from .wall import SEGMENTS, measure_segments

NEEDS = {
    "la_centre": ("LA",),
    "lv_centre": ("LV",),
    "mitral_annulus": ("LA", "LV"),
    "lv_apex": ("LA", "LV"),
    "aortic_annulus": ("LA", "LV"),
}
"""By name, all landmarks, and the surfaces that each is made of."""
NOT_FACING = "the surfaces of LA and LV hardly face each other, so that no valve is seen between them"
NO_OUTLET = "the ventricle's base has no part that faces no atrium"
TURNED_BY = ("mitral_annulus", "lv_apex", "aortic_annulus")
"""The landmarks by which the ventricle's segments lie."""
NO_SEGMENT = "no vertex with a wall lies in this segment"
NO_RIM = "the plane of the aortic annulus is an estimate: its rim is not seen"


class Anatomy(NamedTuple):
    """What is found; in RAS mm, not rounded."""

    landmarks: dict[str, dict[str, Any]]
    """Of each name of `NEEDS`: `centre_ras_mm` (3,), `normal_ras` (3,) along the blood's flow, `contour_ras_mm` (P, 3),
    lists of numbers or None; `trust`, of `TRUSTS`; `reason`, None where trust is "ok"."""
    measurements: dict[str, dict[str, Any]]
    """Of each name of `UNITS`: `value` or None, `unit`, `trust`, `reason`. Where the muscle is among the surfaces, also
    of each of `custom.anatomy.wall.SEGMENTS`, mean and largest."""
    regions: dict[str, np.ndarray]
    """Per surface (V,) int32, values of `custom.anatomy.regions.REGIONS`."""


def find_anatomy(meshes: Sequence[Mesh], trusts: Mapping[str, str]) -> Anatomy:
    """Landmarks, measurements and regions of a case.

    Args:
        meshes: closed, wound outward, RAS mm; what needs one that is not among them is not found.
        trusts: per mesh, of `TRUSTS`: nothing is told of a surface that is not to be used, and nothing is trusted more
            than the surfaces that it is made of.
    """
    used = {mesh.name: Surface.of(mesh) for mesh in meshes if trusts[mesh.name] != TRUSTS[-1]}
    faces = next((mesh.faces for mesh in meshes if mesh.name == "LA"), None)
    regions = {mesh.name: np.full(len(mesh.vertices), UNKNOWN, dtype=np.int32) for mesh in meshes}
    found: dict[str, Plane | np.ndarray] = {
        name: used[chamber].centre for name, (chamber, *others) in NEEDS.items() if not others and chamber in used
    }
    values: dict[str, float] = {}
    if {"LA", "LV"} <= used.keys() and (mitral := mitral_annulus(used["LA"], used["LV"])) is not None:
        atrium, ventricle = used["LA"], used["LV"]
        apex, septum = apex_of(ventricle, mitral), None
        axis = unit(apex - mitral.centre)
        found |= {"mitral_annulus": mitral, "lv_apex": apex}
        values |= measure_annulus(mitral) | measure_ventricle(mitral, apex, ventricle.volume_ml)
        aortic = aortic_annulus(atrium, ventricle, mitral, axis)
        if aortic is not None:
            found["aortic_annulus"], septum = aortic, septum_of(aortic, mitral, axis)
            values |= measure_diameters(mitral, aortic)
        regions["LA"] = atrial_regions(atrium, faces, mitral)
        regions["LV"] = ventricular_regions(ventricle.vertices, mitral, apex, aortic, septum)
        muscle = next((mesh for mesh in meshes if mesh.name == "MYO" and mesh.name in used), None)
        if muscle is not None:
            values |= measure_segments(muscle, ventricle, regions["LV"])
    verdicts = {name: _verdict(name, found, trusts) for name in NEEDS}
    measurements = {
        name: {"value": values.get(name), "unit": measured, **_worst([verdicts[part] for part in RESTS_ON[name]])}
        for name, measured in UNITS.items()
    }
    if "MYO" in trusts:
        parts = [*(verdicts[part] for part in TURNED_BY), trust_of(("MYO",), trusts)]
        measurements |= _walls(values, _worst(parts))
    return Anatomy(
        {name: {**_numbers(found.get(name)), **verdict} for name, verdict in verdicts.items()}, measurements, regions
    )


def _walls(values: Mapping[str, float], verdict: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Thickness by segment, each with the verdict; of a segment that was not found, that."""
    absent = {"trust": TRUSTS[-1], "reason": NO_SEGMENT} if verdict["trust"] != TRUSTS[-1] else verdict
    return {
        name: {"value": values.get(name), "unit": "mm", **(verdict if name in values else absent)}
        for segment in SEGMENTS
        for name in (segment, f"{segment}_largest")
    }


def _verdict(name: str, found: Mapping[str, Any], trusts: Mapping[str, str]) -> dict[str, Any]:
    """`trust` and `reason` of a landmark."""
    absent = [chamber for chamber in NEEDS[name] if chamber not in trusts]
    if absent:
        return {"trust": TRUSTS[-1], "reason": f"needs the surface of {' and '.join(absent)}, which was not asked for"}
    surfaces = trust_of(NEEDS[name], trusts)
    if surfaces["trust"] != TRUSTS[0]:
        return surfaces
    if name in found:
        return {"trust": "check", "reason": NO_RIM} if name == "aortic_annulus" else {"trust": "ok", "reason": None}
    reason = NO_OUTLET if name == "aortic_annulus" and "mitral_annulus" in found else NOT_FACING
    return {"trust": TRUSTS[-1], "reason": reason}


def _worst(verdicts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return max(verdicts, key=lambda verdict: TRUSTS.index(verdict["trust"]))


def _numbers(found: Plane | np.ndarray | None) -> dict[str, Any]:
    """A landmark as lists of numbers."""
    if isinstance(found, Plane):
        contour = None if found.contour is None else found.contour.tolist()
        return {
            "centre_ras_mm": found.centre.tolist(), "normal_ras": found.normal.tolist(), "contour_ras_mm": contour,
        }  # fmt: skip
    return {
        "centre_ras_mm": None if found is None else found.tolist(), "normal_ras": None, "contour_ras_mm": None,
    }  # fmt: skip
