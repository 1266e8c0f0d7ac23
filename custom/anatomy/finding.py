"""All that is found on the surfaces of a case, each with its trust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from ..measured import TRUSTS, trust_of
from ..mesh import Mesh
from ..networks.atrial_parts import AtrialParts
from ..profiles import Scan
from .atrium import APPENDAGE_OSTIUM, APPENDAGE_TIP, NECK_MM, SURE, VEINS, Atrium, find_parts
from .measurements import (
    NECK_UNITS,
    OSTIUM_UNITS,
    RESTS_ON,
    UNITS,
    measure_annulus,
    measure_appendage,
    measure_body,
    measure_diameters,
    measure_ostium,
    measure_outlet,
    measure_short_axis,
    measure_ventricle,
)
from .outlet import find_outlet
from .planes import Plane, Surface, unit
from .regions import UNKNOWN, atrial_regions, ventricular_regions
from .valves import AORTIC_GAP, MITRAL_GAP, valve_between
from .ventricle import apex_of, septum_of, septum_towards
from .wall import SEGMENTS, measure_segments

_BOTH = ("LA", "LV")
APEX = "lv_apex"
MITRAL, OUTLET = "mitral_annulus", "aortic_annulus"
NEEDS = {
    "la_centre": ("LA",),
    "lv_centre": ("LV",),
    MITRAL: _BOTH,
    APEX: _BOTH,
    OUTLET: _BOTH,
    APPENDAGE_OSTIUM: _BOTH,
    APPENDAGE_TIP: _BOTH,
}
"""By name, all landmarks but the ostia of veins, and the surfaces that each is made of."""
OSTIA = tuple(f"{vein}_ostium" for vein in VEINS)
"""The landmarks that there are as many of as are found; they need both surfaces, too."""
ON_SURFACE = {"LA": (APPENDAGE_OSTIUM, *OSTIA, APPENDAGE_TIP), "LV": (APEX,)}
"""The landmarks that lie on one chamber's surface, and so may lie where that is cut off."""
ENDS = (APEX, APPENDAGE_TIP)
"""Those that are elsewhere then; the others are only doubted."""
NOT_FACING = "the surfaces of LA and LV hardly face each other, so that no valve is seen between them"
NO_OUTLET = "the ventricle's base has no part that faces no atrium"
TURNED_BY = (MITRAL, APEX, OUTLET)
"""The landmarks by which the ventricle's segments lie."""
NO_SEGMENT = "no vertex with a wall lies in this segment"
NO_RIM = "the plane of the aortic annulus is an estimate: its rim is not seen"
NO_APPENDAGE = "no appendage was seen"
UNSURE = "it is not clearly seen"
CUT = "it lies at the edge of the field of view, where the surface is cut off"
NEAR_CUT = 5.0
"""mm to a vertex at that edge up to which a landmark lies there, too."""
SECTION = "of the vein a few mm beyond its ostium, where it is free of the atrium"
NO_SECTION = "no section of the surface goes round the vein alone"
NECK = f"of the appendage's narrowest section within {NECK_MM:g} mm of its ostium"


class Anatomy(NamedTuple):
    """What is found; in RAS mm, not rounded."""

    landmarks: dict[str, dict[str, Any]]
    """Of each name of `NEEDS`, and of each of `OSTIA` that was found: `centre_ras_mm` (3,), `normal_ras` (3,) along the
    blood's flow, `contour_ras_mm` (P, 3), lists of numbers or None; `trust`, of `TRUSTS`; `reason`, None where trust
    is "ok"."""
    measurements: dict[str, dict[str, Any]]
    """Of each name of `UNITS`: `value` or None, `unit`, `trust`, `reason`; what `OSTIUM_UNITS` names of each of `OSTIA`
    that was found; and where the muscle is among the surfaces, of each of `custom.anatomy.wall.SEGMENTS`, mean and
    largest."""
    regions: dict[str, np.ndarray]
    """Per surface (V,) int32, values of `custom.anatomy.regions.REGIONS`."""


class _Found(NamedTuple):
    """What was found, by the report's names."""

    landmarks: dict[str, Plane | np.ndarray]
    values: dict[str, float]
    regions: dict[str, np.ndarray]
    reasons: dict[str, str]
    """Of landmarks that are to be checked though their surfaces are not."""

    @property
    def lost(self) -> set[str]:
        """Landmarks that are not told, for they lie where the surfaces are cut off."""
        return {name for name in ENDS if self.reasons.get(name) == CUT}


def find_anatomy(
    meshes: Sequence[Mesh],
    trusts: Mapping[str, str],
    network: AtrialParts | None,
    cut: Mapping[str, NDArray[np.bool_]] | None = None,
    scan: Scan | None = None,
    annuli: Mapping[str, Plane] | None = None,
) -> Anatomy:
    """Landmarks, measurements and regions of a case.

    Args:
        meshes: closed, wound outward, RAS mm; what needs one that is not among them is not found.
        trusts: per mesh, of `TRUSTS`: nothing is told of a surface that is not to be used, and nothing is trusted more
            than the surfaces that it is made of.
        network: tells the atrium's parts, with its weights; None: they are not looked for.
        cut: per mesh (V,), the vertices where the field of view ends; None where it ends nowhere near.
        scan: with the surfaces in it, HU; None: shape alone tells where the aorta begins, and of the veins.
        annuli: the mitral and the aortic one, by the landmark's name, whose hinges are seen in the scan; surfaces tell
            the others.
    """
    used = {mesh.name: mesh for mesh in meshes if trusts[mesh.name] != TRUSTS[-1]}
    surfaces = {name: Surface.of(mesh) for name, mesh in used.items()}
    unknown = {mesh.name: np.full(len(mesh.vertices), UNKNOWN, dtype=np.int32) for mesh in meshes}
    found = _Found({}, {}, unknown, {})
    for name, (chamber, *others) in NEEDS.items():
        if not others and chamber in surfaces:
            found.landmarks[name] = surfaces[chamber].centre
    both = [surfaces[name] for name in _BOTH if name in surfaces]
    seen = annuli or {}
    mitral = (seen.get(MITRAL) or valve_between(*both, MITRAL_GAP)) if len(both) == len(_BOTH) else None
    if mitral is not None:
        _find_ventricle(found, surfaces, mitral, used, scan, seen.get(OUTLET))
        if network is not None:
            parts = find_parts(network, (used["LA"], used["LV"]), surfaces["LA"], scan)
            _find_atrium(found, surfaces["LA"], mitral, parts)
    for chamber, vertices in (cut or {}).items():
        if chamber in used and vertices.any():
            _doubt_near(found, chamber, used[chamber].vertices[vertices])
    names = [*NEEDS, *(name for name in OSTIA if name in found.landmarks)]
    verdicts = {name: _verdict(name, found, trusts) for name in names}
    measurements = {name: {"unit": measured, **_measured(name, found, verdicts)} for name, measured in UNITS.items()}
    measurements |= _veins(found, verdicts)
    if "MYO" in trusts:
        parts = [*(verdicts[part] for part in TURNED_BY), trust_of(("MYO",), trusts)]
        measurements |= _walls({} if found.lost & set(TURNED_BY) else found.values, worst(parts))
    landmarks = {name: {**as_numbers(found.landmarks.get(name)), **verdict} for name, verdict in verdicts.items()}
    return Anatomy(landmarks, measurements, found.regions)


def _measured(name: str, found: _Found, verdicts: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """`value`, `trust` and `reason` of a measurement."""
    value = None if found.lost & set(RESTS_ON[name]) else found.values.get(name)
    verdict = worst([verdicts[part] for part in RESTS_ON[name]])
    if value is None and RESTS_ON[name] == (OUTLET,) and verdict["trust"] != TRUSTS[-1]:
        verdict = {"trust": TRUSTS[-1], "reason": NO_RIM}
    if name in NECK_UNITS and value is not None:
        verdict = worst([{"trust": TRUSTS[1], "reason": NECK}, verdict])
    return {"value": value, **verdict}


def _doubt_near(found: _Found, chamber: str, edge: np.ndarray) -> None:
    """Doubt a chamber's landmarks near points (P, 3) where its surface is cut off, and lose its ends there."""
    near = KDTree(edge)
    for name in ON_SURFACE.get(chamber, ()):
        landmark = found.landmarks.get(name)
        if isinstance(landmark, Plane):
            landmark = landmark.centre if landmark.contour is None else landmark.contour
        if landmark is not None and np.min(near.query(landmark)[0]) <= NEAR_CUT:
            found.reasons[name] = CUT
            if name in ENDS:
                del found.landmarks[name]


def _find_ventricle(
    found: _Found,
    surfaces: Mapping[str, Surface],
    mitral: Plane,
    meshes: Mapping[str, Mesh],
    scan: Scan | None,
    outlet: Plane | None,
) -> None:
    """Valves, apex, the ventricle's regions, and what is measured of them; aorta and right ventricle help, if there."""
    ventricle = surfaces["LV"]
    apex, septum = apex_of(ventricle, mitral), None
    axis = unit(apex - mitral.centre)
    found.landmarks.update(mitral_annulus=mitral, lv_apex=apex)
    found.values.update(measure_annulus(mitral) | measure_ventricle(mitral, apex, ventricle.volume_ml))
    found.values.update(measure_short_axis(meshes["LV"], mitral, apex))
    aortic = outlet
    if aortic is not None:
        found.values.update(measure_outlet(aortic))
    elif "AO" in surfaces and (sheet := valve_between(ventricle, surfaces["AO"], AORTIC_GAP)) is not None:
        aortic = sheet._replace(contour=None)  # it is wider than the annulus
    else:
        aortic = find_outlet(surfaces["LA"], ventricle, mitral, axis, scan)
        found.reasons[OUTLET] = NO_RIM
    if aortic is not None:
        septum = septum_of(aortic, mitral, axis)
        found.landmarks[OUTLET] = aortic
        found.values.update(measure_diameters(mitral, aortic))
    if "RV" in surfaces:
        septum = septum_towards(surfaces["RV"], ventricle, axis)
    found.regions["LV"] = ventricular_regions(ventricle.vertices, mitral, apex, aortic, septum)
    if "MYO" in meshes:
        found.values.update(measure_segments(meshes["MYO"], ventricle, found.regions["LV"]))


def _find_atrium(found: _Found, surface: Surface, mitral: Plane, atrium: Atrium) -> None:
    """Ostia, the atrium's regions, and what is measured of it."""
    ostia = {f"{name}_ostium": ostium for name, ostium in atrium.veins.items()}
    if atrium.appendage is not None:
        ostia[APPENDAGE_OSTIUM] = atrium.appendage
        found.landmarks[APPENDAGE_TIP] = atrium.tip
    for name, ostium in ostia.items():
        found.landmarks[name] = ostium.plane
        if ostium.nearness < SURE:
            found.reasons[name] = UNSURE
    found.values.update(measure_appendage(atrium) | measure_body(surface, atrium))
    found.regions["LA"] = atrial_regions(surface.vertices, atrium, mitral)


def _veins(found: _Found, verdicts: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Area and diameters of each vein's ostium, never trusted more than `check`."""
    told = {}
    for name in OSTIA:
        if name not in found.landmarks:
            continue
        plane, unsure = found.landmarks[name], name in found.reasons  # whatever is doubted about the surfaces
        values, verdict = {}, {"trust": TRUSTS[-1], "reason": found.reasons.get(name, NO_SECTION)}
        if plane.contour is not None and not unsure:
            values = measure_ostium(plane)
            verdict = worst([{"trust": TRUSTS[1], "reason": SECTION}, verdicts[name]])
        told |= {
            f"{name}_{key}": {"value": values.get(key), "unit": unit_, **verdict} for key, unit_ in OSTIUM_UNITS.items()
        }
    return told


def _walls(values: Mapping[str, float], verdict: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Thickness by segment, each with the verdict; of a segment that was not found, that."""
    absent = {"trust": TRUSTS[-1], "reason": NO_SEGMENT} if verdict["trust"] != TRUSTS[-1] else verdict
    return {
        name: {"value": values.get(name), "unit": "mm", **(verdict if name in values else absent)}
        for segment in SEGMENTS
        for name in (segment, f"{segment}_largest")
    }


def _verdict(name: str, found: _Found, trusts: Mapping[str, str]) -> dict[str, Any]:
    """`trust` and `reason` of a landmark."""
    needed = NEEDS.get(name, _BOTH)
    absent = [chamber for chamber in needed if chamber not in trusts]
    if absent:
        return {"trust": TRUSTS[-1], "reason": f"needs the surface of {' and '.join(absent)}, which was not asked for"}
    if name in found.lost:
        return {"trust": TRUSTS[-1], "reason": CUT}
    surfaces = trust_of(needed, trusts)
    if surfaces["trust"] != TRUSTS[0]:
        return surfaces
    if name in found.landmarks:
        reason = found.reasons.get(name)
        return {"trust": "ok" if reason is None else "check", "reason": reason}
    seen = MITRAL in found.landmarks
    return {"trust": TRUSTS[-1], "reason": _ABSENT.get(name, NOT_FACING) if seen else NOT_FACING}


_ABSENT = {OUTLET: NO_OUTLET, APPENDAGE_OSTIUM: NO_APPENDAGE, APPENDAGE_TIP: NO_APPENDAGE}
"""Why a landmark is not there though the mitral annulus is."""


def worst(verdicts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Of what has a `trust`, that which has the least."""
    return max(verdicts, key=lambda verdict: TRUSTS.index(verdict["trust"]))


def as_numbers(found: Plane | np.ndarray | None) -> dict[str, Any]:
    """A landmark as lists of numbers."""
    if isinstance(found, Plane):
        contour = None if found.contour is None else found.contour.tolist()
        return {
            "centre_ras_mm": found.centre.tolist(), "normal_ras": found.normal.tolist(), "contour_ras_mm": contour,
        }  # fmt: skip
    return {
        "centre_ras_mm": None if found is None else found.tolist(), "normal_ras": None, "contour_ras_mm": None,
    }  # fmt: skip
