"""The anatomy of the other phases of a beat: what a surface carries along is not looked for anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from ..measured import TRUSTS, trust_of
from ..mesh import Mesh
from .atrium import APPENDAGE_OSTIUM, APPENDAGE_TIP
from .finding import OSTIA, Anatomy, find_anatomy

CARRIED = (APPENDAGE_OSTIUM, APPENDAGE_TIP, *OSTIA)
"""Landmarks that the atrium's surface carries along. Valves and apex are found by how the chambers lie to each other,
in each phase."""
NEIGHBOURS = 60
"""Vertices round a landmark that carry it: of 10,242 on an atrium they lie within some 6 mm."""

_NONE = {"centre_ras_mm": None}


def follow_anatomy(
    first: Anatomy,
    start: Sequence[Mesh],
    meshes: Sequence[Mesh],
    trusts: Mapping[str, str],
    cut: Mapping[str, NDArray[np.bool_]] | None = None,
) -> Anatomy:
    """Landmarks, measurements and regions in another phase of a beat.

    Every vertex stays in its region. The atrium's ostia and the appendage's tip lie where the vertices round them have
    gone, without normal and contour; nothing is measured of them.

    Args:
        first, start: what was found in one phase, and its meshes.
        meshes: of the other phase, with the same vertices.
        trusts, cut: as `find_anatomy` takes them.
    """
    found = find_anatomy(meshes, trusts, None, cut)
    landmarks = dict(found.landmarks)
    own = {name: first.landmarks[name] for name in CARRIED if first.landmarks.get(name, _NONE)["centre_ras_mm"]}
    if own:  # so there are both chambers
        before, after = (next(mesh.vertices for mesh in each if mesh.name == "LA") for each in (start, meshes))
        surfaces = trust_of(("LA", "LV"), trusts)
        landmarks |= {name: _carried(landmark, before, after, surfaces) for name, landmark in own.items()}
    return found._replace(landmarks=landmarks, regions=first.regions)


def _carried(
    landmark: Mapping[str, Any], start: NDArray, end: NDArray, surfaces: Mapping[str, str | None]
) -> dict[str, Any]:
    """A landmark moved as the vertices (V, 3) near to it are; its trust is the worse of its own and the surfaces'."""
    centre = np.asarray(landmark["centre_ras_mm"])
    _, near = KDTree(start).query(centre, min(NEIGHBOURS, len(start)))
    told = max((landmark, surfaces), key=lambda of: TRUSTS.index(of["trust"]))
    lost = told["trust"] == TRUSTS[-1]
    return {
        "centre_ras_mm": None if lost else (centre + (end[near] - start[near]).mean(0)).tolist(),
        "normal_ras": None,
        "contour_ras_mm": None,
        "trust": told["trust"],
        "reason": told["reason"],
    }
