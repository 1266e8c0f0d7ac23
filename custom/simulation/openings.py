"""Flat openings: valve planes and the ends of veins, from the regions of a chamber's surface."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import newton

from ..anatomy.atrium import VEINS
from ..anatomy.planes import Surface, unit
from ..anatomy.regions import ATRIAL_SIDE, FIRST_VEIN, OUTLET, VENTRICULAR_SIDE
from ..geometry.mending.vertex_graph import VertexGraph
from ..mesh import Mesh

FACING = 0.64
"""Cosine between a vertex' normal and the opening's up to which the vertex is of the opening, not of the wall round
it."""
HIGH, DEEPEST = 0.9, 4.0
"""Quantile of the heights of what faces out of a region, and mm below it from where on it is no longer the opening's: a
vein can be oblique, or fork."""
LEAST_MM2 = 10.0
"""Of an opening: a region with less that faces outward has none."""
BETWEEN_VALVES, AORTIC_RADIUS = 29.0, 14.0
"""mm from the mitral to the aortic centre, as in `custom.anatomy.valves`, and of the aortic annulus."""
HOLD, YIELD = 1e3, 0.05
"""Weights of the way that an opening's vertices go, and of staying elsewhere: the rest follows over some five rings."""
ROUNDS = 4
"""In which an opening's vertices and its normal, then its height, are found from each other."""
OPENINGS = {
    ATRIAL_SIDE: "mitral_valve",
    VENTRICULAR_SIDE: "mitral_valve",
    OUTLET: "aortic_valve",
    **{FIRST_VEIN + place: f"{vein}_end" for place, vein in enumerate(VEINS)},
}
"""By the region that ends in it."""


class Opening(NamedTuple):
    """Where blood enters a chamber or leaves it, made flat."""

    region: int
    """That ends in it."""
    centre: np.ndarray
    """(3,) RAS mm."""
    normal: np.ndarray
    """(3,) unit, out of the chamber."""
    vertices: np.ndarray
    """(V,) bool, which of the surface are in its plane."""


def flat_openings(mesh: Mesh) -> tuple[Mesh, list[Opening]]:
    """The surface with its openings in planes, and these.

    Of each region that has an opening, the vertices whose normals face out of it go to one plane across their mean
    normal, at the height where the chamber keeps its volume; the wall round them follows, less and less.

    Args:
        mesh: closed, wound outward, RAS mm, with regions.
    """
    surface, graph = Surface.of(mesh), VertexGraph(mesh.faces, len(mesh.vertices))
    vertices, openings = mesh.vertices.copy(), []
    for region in sorted(set(OPENINGS).intersection(mesh.regions.tolist())):
        chosen, normal = _facing_out(surface, graph, mesh.regions == region)
        if region == OUTLET and openings:
            chosen &= _within_annulus(surface, chosen, openings[0].centre)
        chosen = _filled(chosen, graph, surface.areas)
        if surface.areas[chosen].sum() < LEAST_MM2:
            continue
        level = _flatten(vertices, mesh.faces, graph, surface.areas, chosen, normal)
        centre = np.average(vertices[chosen], axis=0, weights=surface.areas[chosen])
        openings.append(Opening(region, centre + (level - centre @ normal) * normal, normal, chosen))
    return mesh._replace(vertices=vertices), openings


def _facing_out(surface: Surface, graph: VertexGraph, within: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which vertices (V,) of a region (V,) face out of it, in one piece, and their normal (3,).

    The normals of a tube round an opening cancel, so that those of the region point out of it.
    """
    chosen = within
    for _ in range(ROUNDS):
        normal = unit(surface.areas[chosen] @ surface.normals[chosen])
        heights = surface.vertices @ normal
        facing = within & (surface.normals @ normal > FACING)
        if not facing.any():
            return facing, normal
        facing = _largest(facing, graph, surface.areas)
        level = np.quantile(heights[facing], HIGH)
        chosen = _largest(facing & (heights > level - DEEPEST), graph, surface.areas)
    return chosen, normal


def _within_annulus(surface: Surface, chosen: np.ndarray, mitral: np.ndarray) -> np.ndarray:
    """(V,) bool, what lies so near to the mitral centre (3,), and then to its own, that it can be the aortic valve's:
    of a wide ventricle all that lies as high as the valve is of its region."""
    near = chosen & (np.linalg.norm(surface.vertices - mitral, axis=1) < BETWEEN_VALVES + AORTIC_RADIUS)
    if not near.any():
        return near
    centre = np.average(surface.vertices[near], axis=0, weights=surface.areas[near])
    return np.linalg.norm(surface.vertices - centre, axis=1) < AORTIC_RADIUS


def _largest(chosen: np.ndarray, graph: VertexGraph, areas: np.ndarray) -> np.ndarray:
    """(V,) bool, the piece of the chosen vertices (V,) that has most area (V,)."""
    piece, largest = graph.pieces(chosen), chosen.copy()
    if len(piece):
        largest[chosen] = piece == np.bincount(piece, areas[chosen]).argmax()
    return largest


def _filled(chosen: np.ndarray, graph: VertexGraph, areas: np.ndarray) -> np.ndarray:
    """(V,) bool, the largest piece of the chosen vertices (V,), without holes."""
    return ~_largest(~_largest(chosen, graph, areas), graph, areas)


def _flatten(
    vertices: np.ndarray,
    faces: np.ndarray,
    graph: VertexGraph,
    areas: np.ndarray,
    chosen: np.ndarray,
    normal: np.ndarray,
) -> float:
    """Move chosen vertices (V,) of `vertices` (V, 3), in place, to a plane; returns its height along the normal (3,).

    Of the way that they go, each further ring of vertices round them goes a smaller part.
    """
    heights, weights = vertices @ normal, np.where(chosen, HOLD, YIELD)
    to_zero, upwards = (graph.regularised(chosen * way, weights, 1.0) for way in (-heights, np.ones_like(heights)))
    to_zero[chosen], upwards[chosen] = -heights[chosen], 1.0

    def moved_to(level: float) -> np.ndarray:
        return vertices + (to_zero + level * upwards)[:, None] * normal

    volume, start = volume_mm3(vertices, faces), np.average(heights[chosen], weights=areas[chosen])
    level = newton(lambda height: volume_mm3(moved_to(height), faces) / volume - 1, start, tol=1e-3, disp=False)
    vertices[:] = moved_to(level)
    return float(level)


def volume_mm3(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Of a closed surface."""
    corners = (vertices - vertices.mean(axis=0))[faces]
    return float(np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6)
