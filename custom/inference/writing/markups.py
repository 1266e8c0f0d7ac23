"""Landmarks as markups of 3D Slicer, its schema 1.0.3: points, contours, axes as lines; LPS mm."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...frames import FILE_SPACE, ras_to_file

SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)
NORMAL_MM = 20.0
"""Length of the line that shows a plane's normal."""


def encode_markups(landmarks: Mapping[str, Mapping[str, Any]], remark: str = "") -> bytes | None:
    """The landmarks of a report as JSON; what was not found is left out, and what is to be checked says so. None where
    nothing was found."""
    found = {name: landmark for name, landmark in landmarks.items() if landmark["centre_ras_mm"] is not None}
    if not found:
        return None
    places = {f"{name}{_warning(landmark)}": np.array(landmark["centre_ras_mm"]) for name, landmark in found.items()}
    markups = [_markup("Fiducial", f"landmarks{remark}", places)]
    for name, landmark in found.items():
        title, centre = f"{name}{_warning(landmark)}{remark}", np.array(landmark["centre_ras_mm"])
        if landmark["contour_ras_mm"] is not None:
            points = {f"{name}-{place}": np.array(point) for place, point in enumerate(landmark["contour_ras_mm"], 1)}
            markups.append(_markup("ClosedCurve", title, points))
        if landmark["normal_ras"] is not None:
            ahead = centre + NORMAL_MM * np.array(landmark["normal_ras"])
            markups.append(_markup("Line", f"{title}, normal", {"from": centre, "along the flow": ahead}))
    if {"mitral_annulus", "lv_apex"} <= found.keys():
        ends = {name: np.array(found[name]["centre_ras_mm"]) for name in ("mitral_annulus", "lv_apex")}
        markups.append(_markup("Line", f"lv_long_axis{_warning(found['lv_apex'])}{remark}", ends))
    return json.dumps({"@schema": SCHEMA, "markups": markups}, indent=1).encode()


def _warning(landmark: Mapping[str, Any]) -> str:
    return "" if landmark["trust"] == "ok" else f" ({landmark['trust']})"


def _markup(kind: str, name: str, points: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return {
        "type": kind,
        "name": name,
        "coordinateSystem": FILE_SPACE,
        "coordinateUnits": "mm",
        "locked": True,
        "controlPoints": [
            {"id": str(place), "label": label, "position": ras_to_file(point).round(3).tolist(),
             "positionStatus": "defined", "locked": True}
            for place, (label, point) in enumerate(points.items(), 1)
        ],
    }  # fmt: skip
