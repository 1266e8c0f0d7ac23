"""The anatomy of the other phases of a beat: what a surface carries along is not looked for anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from ..measured import TRUSTS, trust_of
from ..mesh import Mesh
from ..profiles import Scan
from .atrium import APPENDAGE_OSTIUM, APPENDAGE_TIP
from .finding import OSTIA, Anatomy, as_numbers, find_anatomy, worst
from .planes import Plane

CARRIED = (APPENDAGE_OSTIUM, APPENDAGE_TIP, *OSTIA)
"""Landmarks that the atrium's surface carries along. Valves and apex are found by how the chambers lie to each other,
in each phase."""
NEIGHBOURS = 60
"""Vertices round a landmark that carry it: of 10,242 on an atrium they lie within some 6 mm."""


def follow_anatomy(
    first: Anatomy,
    start: Sequence[Mesh],
    meshes: Sequence[Mesh],
    trusts: Mapping[str, str],
    cut: Mapping[str, NDArray[np.bool_]] | None = None,
    scan: Scan | None = None,
    annuli: Mapping[str, Plane] | None = None,
) -> Anatomy:
    """Landmarks, measurements and regions in another phase of a beat.

    Every vertex stays in its region. The atrium's ostia and the appendage's tip lie where the vertices round them have
    gone, without normal and contour; nothing is measured of them.

    Args:
        first, start: what was found in one phase, and its meshes.
        meshes: of the other phase, with the same vertices.
        trusts, cut, scan, annuli: as `find_anatomy` takes them.
    """
    found = find_anatomy(meshes, trusts, None, cut, scan, annuli)
    landmarks = dict(found.landmarks)
    known = {name: landmark for name, landmark in first.landmarks.items() if landmark["centre_ras_mm"] is not None}
    own = {name: known[name] for name in CARRIED if name in known}
    if own:  # so there are both chambers
        before, after = (next(mesh.vertices for mesh in each if mesh.name == "LA") for each in (start, meshes))
        _, near = KDTree(before).query(
            [landmark["centre_ras_mm"] for landmark in own.values()], min(NEIGHBOURS, len(before))
        )
        moves = (after - before)[near].mean(1)
        surfaces = trust_of(("LA", "LV"), trusts)
        landmarks |= {
            name: _carried(landmark, move, surfaces) for (name, landmark), move in zip(own.items(), moves, strict=True)
        }
    return found._replace(landmarks=landmarks, regions=first.regions)


def _carried(landmark: Mapping[str, Any], move: NDArray, surfaces: Mapping[str, str | None]) -> dict[str, Any]:
    """A landmark after a move (3,) mm; its trust is the worse of its own and the surfaces'."""
    told = worst((landmark, surfaces))
    centre = None if told["trust"] == TRUSTS[-1] else np.asarray(landmark["centre_ras_mm"]) + move
    return {**as_numbers(centre), "trust": told["trust"], "reason": told["reason"]}
