"""The left atrium's parts: body, appendage and veins, the ostia between them, and the appendage's tip."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import map_coordinates, maximum_filter

from ..frames import centred_affine, ras_to_voxel, voxel_to_ras
from ..geometry.mending.vertex_graph import VertexGraph
from ..geometry.winding import voxelise_in_image
from ..mesh import Mesh
from ..networks.atrial_parts import OSTIA, PARTS, SIZE, SPACING, AtrialParts
from .planes import Plane, Surface, unit
from .sections import loop_round

MOVES = ((0, 0, 0), (2, -3, 1))
"""Voxels by which the shapes are moved when they are seen: to a network that halves its grid three times each looks a
little different, and the mean is right more often."""
SEEN = 0.43
"""Nearness at its peak, 0 to 1, from which on there is an ostium."""
SURE = 0.6
"""From which on it is not doubted."""
APART = 12.0
"""mm between two ostia of veins at least."""
ROUND = 2
"""Voxels about a peak whose centre of mass is the ostium's place."""
INWARD = 1.0
"""mm within the surface where a vertex is looked up."""
OUTWARD = 4.0
"""mm beyond an ostium's place, where the branch is free of the body and its section is the ostium's contour."""
ROOT = 8.0
"""mm within the body, behind the appendage's ostium, from where its tip is the farthest."""
WIDEST = 16.0
"""mm, mean radius up to which a section is taken for an ostium's: a wider one goes through the body."""
RAGGED = 1.6
"""Largest radius of a section over its median, from which on it is no branch's alone: it reaches into a neighbour."""
SIDES = {1: ("common",), 2: ("superior", "inferior"), 3: ("superior", "middle", "inferior")}
"""What the veins of one side are called, from above, by their number; of more, the surest three count."""
APPENDAGE_OSTIUM, APPENDAGE_TIP = "la_appendage_ostium", "la_appendage_tip"
VEINS = tuple(
    f"{side}_{name}_vein" for side in ("right", "left") for name in ("superior", "middle", "inferior", "common")
)
"""All that there can be."""


class Ostium(NamedTuple):
    """Where a branch leaves the body."""

    plane: Plane
    """Its normal along the blood's flow, into the body; contour None where no section goes round the branch."""
    nearness: float
    """At the peak, 0 to 1: how surely it was seen."""


class Atrium(NamedTuple):
    """What is known of an atrium's parts."""

    parts: np.ndarray
    """(V,) int64, of each vertex the place in `PARTS`."""
    veins: dict[str, Ostium]
    """By name, of `VEINS`."""
    appendage: Ostium | None
    tip: np.ndarray | None
    """(3,) RAS mm, of the appendage: its vertex farthest from where it begins."""
    appendage_ml: float

    def nearest_vein(self, vertices: np.ndarray) -> np.ndarray:
        """(V,) the name of the vein whose ostium is nearest to each vertex (V, 3)."""
        centres = np.stack([ostium.plane.centre for ostium in self.veins.values()])
        return np.array(list(self.veins))[np.linalg.norm(vertices[:, None] - centres, axis=2).argmin(axis=1)]


@torch.inference_mode()
def find_parts(network: AtrialParts, meshes: tuple[Mesh, Mesh], atrium: Surface) -> Atrium:
    """The parts of an atrium, by its shape and that of the ventricle.

    Args:
        network: with its weights, on the CPU.
        meshes: atrium and ventricle, closed, RAS mm.
        atrium: the surface of the first.
    """
    grid = centred_affine((SIZE,) * 3, (SPACING,) * 3, atrium.centre)
    fine = (2 * SIZE,) * 3
    halved = centred_affine(fine, (SPACING / 2,) * 3, atrium.centre)
    inside = torch.stack([voxelise_in_image(mesh.vertices, mesh.faces, halved, fine) for mesh in meshes])
    shapes = torch.nn.functional.avg_pool3d(inside[None].float(), 2)
    parts, near, out = _seen(network, shapes)
    places = ras_to_voxel(atrium.vertices - INWARD * atrium.normals, grid).T
    of_vertices = np.stack([map_coordinates(part, places, order=1, mode="nearest") for part in parts])
    labels = of_vertices.argmax(axis=0)
    graph = VertexGraph(meshes[0].faces, len(labels))
    labels[_strays(labels == PARTS.index("body"), graph)] = PARTS.index("vein")
    labels[_strays(labels == PARTS.index("appendage"), graph)] = PARTS.index("body")
    mesh, veins = meshes[0], {}
    whole = near[:2].max(axis=0)
    peaks = _peaks(whole)
    peaks = peaks[whole[*peaks.T] > near[OSTIA.index("appendage"), *peaks.T]]  # or it is seen as a vein's, too
    sides = near[:2, *peaks.T].argmax(axis=0)
    for side in (0, 1):
        found = [_ostium(mesh, whole, out, grid, peak) for peak in peaks[sides == side][: max(SIDES)]]
        found = sorted(found, key=lambda ostium: -ostium.plane.centre[2])
        for name, ostium in zip(SIDES.get(len(found), ()), found, strict=True):
            veins[f"{('right', 'left')[side]}_{name}_vein"] = ostium
    of_appendage = labels == PARTS.index("appendage")
    peaks, appendage, tip = _peaks(near[OSTIA.index("appendage")]), None, None
    if len(peaks) and of_appendage.any():
        appendage = _ostium(mesh, near[OSTIA.index("appendage")], out, grid, peaks[0])
        own = atrium.vertices[of_appendage]
        root = appendage.plane.centre + ROOT * appendage.plane.normal
        tip = own[np.linalg.norm(own - root, axis=1).argmax()]
    within = shapes[0, 0].numpy() * (parts.argmax(axis=0) == PARTS.index("appendage"))
    return Atrium(labels, veins, appendage, tip, float(within.sum()) * SPACING**3 / 1e3)


def _seen(network: AtrialParts, shapes: torch.Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a network says of shapes (1, 2, D0, D1, D2), the mean over `MOVES`: how likely `PARTS` are, how near `OSTIA`
    is, and the direction out of the body, (3, D0, D1, D2) each."""
    answers = []
    for move in MOVES:
        answer = network(shapes.roll(move, (2, 3, 4))).roll(tuple(-step for step in move), (2, 3, 4))
        parts, near, out = answer[0].split((len(PARTS), len(OSTIA), 3))
        answers.append((parts.softmax(0), near.sigmoid(), out))
    parts, near, out = (torch.stack(each).mean(0).numpy() for each in zip(*answers, strict=True))
    return parts, near, out


def _strays(chosen: np.ndarray, graph: VertexGraph) -> np.ndarray:
    """(V,) bool, what of the chosen vertices (V,) does not hang together with the most of them."""
    piece = graph.pieces(chosen)
    strays = chosen.copy()
    strays[chosen] = piece != np.bincount(piece, minlength=1).argmax()
    return strays


def _peaks(near: np.ndarray) -> np.ndarray:
    """Voxels (P, 3) where nearness peaks, highest first, none within `APART` of a higher one."""
    peaks = np.argwhere((near == maximum_filter(near, 3)) & (near > SEEN))
    peaks = peaks[np.argsort(-near[tuple(peaks.T)])]
    kept: list[np.ndarray] = []
    for peak in peaks:
        if all(np.linalg.norm((peak - other) * SPACING) >= APART for other in kept):
            kept.append(peak)
    return np.array(kept, dtype=int).reshape(-1, 3)


def _ostium(mesh: Mesh, near: np.ndarray, out: np.ndarray, grid: np.ndarray, peak: np.ndarray) -> Ostium:
    """The ostium at a peak (3,) of nearness (D0, D1, D2), with directions `out` (3, D0, D1, D2) out of the body."""
    low, high = np.maximum(peak - ROUND, 0), np.minimum(peak + ROUND + 1, near.shape)
    box = tuple(slice(start, stop) for start, stop in zip(low, high, strict=True))
    voxels = np.stack(np.meshgrid(*(np.arange(*ends) for ends in zip(low, high, strict=True)), indexing="ij"), axis=-1)
    weights = near[box] ** 2
    centre = voxel_to_ras(np.average(voxels.reshape(-1, 3), axis=0, weights=weights.ravel()), grid)
    outward = unit(np.average(out[(slice(None), *box)].reshape(3, -1), axis=1, weights=weights.ravel()).astype(float))
    middle = centre + OUTWARD * outward
    contour = loop_round(mesh.vertices, mesh.faces, middle, outward)
    if contour is not None:
        radius = np.linalg.norm(contour - middle, axis=1)
        if radius.mean() > WIDEST or radius.max() > RAGGED * np.median(radius):
            contour = None
    return Ostium(Plane(centre, -outward, contour), float(near[tuple(peak)]))
