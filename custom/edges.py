"""What the edge network is shown of a surface in a scan."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .geometry.mending.vertex_graph import VertexGraph
from .profiles import Scan, along_normals, pitch_along

DISTANCES = np.linspace(-6.0, 6.0, 31)
"""mm along the outward normal where the scan is read."""
BLOOD, OUTSIDE = slice(0, 8), slice(18, 31)
"""Of them, where mostly blood lies, and mostly something else: 6 to 3.2 mm inside, 1.2 to 6 mm outside."""
LEAST_STEP = 60.0
"""HU between the two that profiles are scaled by at least."""
CLIP = (-3.0, 2.0)
"""Of scaled values."""
AVERAGED = (0, 2, 10)
"""Times that a profile is averaged with those of its neighbours, from 0: what it shows itself, and with less and less
noise."""
FEATURES = len(AVERAGED) * len(DISTANCES) + 2
"""That a vertex has, without the indicators of its structure."""


def edge_features(
    scan: Scan, vertices: NDArray, normals: NDArray, graph: VertexGraph, place: int, structures: int
) -> NDArray[np.float32]:
    """(V, FEATURES + structures) of the vertices of one surface.

    Profiles are scaled so that the chamber's blood is 0 and what mostly lies outside -1: an edge is an edge in any
    phase of contrast. How large that step is stands beside them, and how far apart voxels are along the normal.

    Args:
        scan: with the surface in it.
        vertices, normals: (V, 3) RAS mm.
        graph: of the vertices.
        place: of the surface's structure among those that the network knows.
        structures: their number.
    """
    profiles = along_normals(scan, vertices, normals, DISTANCES)
    blood = np.median(profiles[:, BLOOD])
    step = blood - np.median(np.quantile(profiles[:, OUTSIDE], 0.25, axis=1))
    scaled = np.clip((profiles - blood) / max(step, LEAST_STEP), *CLIP)
    averaged = [scaled]
    for done, passes in pairwise(AVERAGED):
        averaged.append(graph.averaged(averaged[-1], passes - done))
    known = np.zeros((len(vertices), structures))
    known[:, place] = 1
    aside = np.stack([np.full(len(vertices), step / 300), pitch_along(scan, normals) / 3], axis=1)
    return np.concatenate([*averaged, aside, known], axis=1).astype(np.float32)
