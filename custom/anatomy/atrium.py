"""The left atrium's parts: body, appendage and veins, the ostia between them, and the appendage's tip."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import map_coordinates, maximum_filter

from ..frames import block_affine, box_around, centred_affine, ras_to_voxel, voxel_to_ras
from ..geometry.mending.vertex_graph import VertexGraph
from ..geometry.winding import voxelise_in_image
from ..inputs import AIR
from ..mesh import Mesh
from ..networks.atrial_parts import OSTIA, PARTS, SIZE, SPACING, STEP, AtrialParts, seen_by_parts
from ..profiles import Scan, block_means
from ..sampling import regrid
from .planes import Plane, Surface, unit
from .sections import loop_round, narrowest_section

MOVES = ((0, 0, 0), (2, -3, 1))
"""Voxels by which everything is moved when it is seen: to a network that halves its grid three times each looks a
little different, and the mean is right more often."""
SEEN = 0.4
"""Nearness at its peak, 0 to 1, from which on there is an ostium."""
SURE = 0.6
"""From which on it is not doubted."""
APART = 10.0
"""mm between two peaks at least."""
ROUND = 1
"""Voxels about a peak that tell the ostium's place together."""
INWARD = 1.0
"""mm within the surface where a vertex is looked up."""
OUTWARD = 4.0
"""mm beyond an ostium's place, where the branch is free of the body and its section is the ostium's contour."""
NECK_MM = 10.0
"""Beyond the appendage's ostium up to which its contour, the narrowest section, is sought."""
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
def find_parts(network: AtrialParts, meshes: tuple[Mesh, Mesh], atrium: Surface, scan: Scan | None) -> Atrium:
    """The parts of an atrium, by its shape and that of the ventricle, and by what the scan shows round it.

    Args:
        network: with its weights, on the CPU.
        meshes: atrium and ventricle, closed, RAS mm.
        atrium: the surface of the first.
        scan: with them in it, HU; None: shape alone tells.
    """
    grid = centred_affine((SIZE,) * 3, (SPACING,) * 3, atrium.centre)
    seen, mesh, veins = _seen(network, meshes, grid, scan), meshes[0], {}
    labels = _labels(seen.parts, mesh, ras_to_voxel(atrium.vertices - INWARD * atrium.normals, grid))
    for side, peaks in enumerate(_vein_peaks(seen)):
        found = sorted((_ostium(mesh, seen, grid, peak) for peak in peaks), key=lambda ostium: -ostium.plane.centre[2])
        for name, ostium in zip(SIDES.get(len(found), ()), found, strict=True):
            veins[f"{('right', 'left')[side]}_{name}_vein"] = ostium
    of_appendage = labels == PARTS.index("appendage")
    peaks, appendage, tip = _peaks(seen.nearness[OSTIA.index("appendage")]), None, None
    if len(peaks) and of_appendage.any():
        centre, outward, nearness = _place(seen, grid, peaks[0])
        neck = narrowest_section(mesh.vertices, mesh.faces, centre, outward, NECK_MM)
        appendage = Ostium(Plane(centre, -outward, neck), nearness)
        own = atrium.vertices[of_appendage]
        root = centre - ROOT * outward
        tip = own[np.linalg.norm(own - root, axis=1).argmax()]
    within = seen.inside * (seen.parts.argmax(axis=0) == PARTS.index("appendage"))
    return Atrium(labels, veins, appendage, tip, float(within.sum()) * SPACING**3 / 1e3)


class _Seen(NamedTuple):
    """What the network says on its grid, the mean over `MOVES`, as `custom.networks.atrial_parts.Told` but likely from
    0 to 1, numpy; and the share of each voxel `inside` the atrium."""

    parts: np.ndarray
    nearness: np.ndarray
    outward: np.ndarray
    offset: np.ndarray
    inside: np.ndarray


def _seen(network: AtrialParts, meshes: tuple[Mesh, Mesh], grid: np.ndarray, scan: Scan | None) -> _Seen:
    fine, halved = (2 * SIZE,) * 3, block_affine(grid, (0.5,) * 3)
    inside = torch.stack([voxelise_in_image(mesh.vertices, mesh.faces, halved, fine) for mesh in meshes])
    shapes = torch.nn.functional.avg_pool3d(inside[None].float(), 2)[0]
    hounsfield = None
    if scan is not None:
        corners = voxel_to_ras(np.array(list(product((-2.0, SIZE + 1.0), repeat=3))), grid)
        box, affine = box_around(corners, scan.values.shape, scan.affine)
        coarse = block_means(Scan(scan.values[box], affine), SPACING)
        hounsfield = regrid(torch.from_numpy(coarse.values)[None], coarse.affine, (SIZE,) * 3, grid, AIR)[0]
    seen, answers = seen_by_parts(shapes, hounsfield)[None], []
    for move in MOVES:
        told = network(seen.roll(move, (2, 3, 4)))
        told = [each.roll([-step for step in move], (2, 3, 4))[0] for each in told]
        answers.append((told[0].softmax(0), told[1].sigmoid(), *told[2:]))
    means = (torch.stack(each).mean(0).numpy() for each in zip(*answers, strict=True))
    return _Seen(*means, shapes[0].numpy())


def _labels(parts: np.ndarray, mesh: Mesh, places: np.ndarray) -> np.ndarray:
    """(V,) of each vertex the place in `PARTS`, by what is likely (3, D0, D1, D2) at voxels (V, 3). Body and appendage
    each hang together."""
    body, appendage, vein = range(len(PARTS))
    of_vertices = np.stack([map_coordinates(part, places.T, order=1, mode="nearest") for part in parts])
    labels, graph = of_vertices.argmax(axis=0), VertexGraph(mesh.faces, len(places))
    labels[_strays(labels == body, graph)] = vein
    labels[_strays(labels == appendage, graph)] = body
    return labels


def _strays(chosen: np.ndarray, graph: VertexGraph) -> np.ndarray:
    """(V,) bool, what of the chosen vertices (V,) does not hang together with the most of them."""
    piece = graph.pieces(chosen)
    strays = chosen.copy()
    strays[chosen] = piece != np.bincount(piece, minlength=1).argmax()
    return strays


def _vein_peaks(seen: _Seen) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Voxels (3,) where the nearness to a vein peaks, of the right side and of the left, the surest ones."""
    near, appendage = seen.nearness[:2], seen.nearness[OSTIA.index("appendage")]
    sides: tuple[list[np.ndarray], list[np.ndarray]] = [], []
    for peak in _peaks(near.max(axis=0)):
        if near[:, *peak].max() > appendage[*peak]:  # or it is taken for a vein, too
            sides[near[:, *peak].argmax()].append(peak)
    right, left = (peaks[: max(SIDES)] for peaks in sides)
    return right, left


def _peaks(near: np.ndarray) -> np.ndarray:
    """Voxels (P, 3) where nearness peaks, highest first, none within `APART` of a higher one."""
    peaks = np.argwhere((near == maximum_filter(near, 3)) & (near > SEEN))
    peaks = peaks[np.argsort(-near[tuple(peaks.T)])]
    kept: list[np.ndarray] = []
    for peak in peaks:
        if all(np.linalg.norm((peak - other) * SPACING) >= APART for other in kept):
            kept.append(peak)
    return np.array(kept, dtype=int).reshape(-1, 3)


def _ostium(mesh: Mesh, seen: _Seen, grid: np.ndarray, peak: np.ndarray) -> Ostium:
    """The ostium of a vein that a peak (3,) of nearness tells."""
    centre, outward, nearness = _place(seen, grid, peak)
    middle = centre + OUTWARD * outward
    contour = loop_round(mesh.vertices, mesh.faces, middle, outward)
    if contour is not None:
        radius = np.linalg.norm(contour - middle, axis=1)
        if radius.mean() > WIDEST or radius.max() > RAGGED * np.median(radius):
            contour = None
    return Ostium(Plane(centre, -outward, contour), nearness)


def _place(seen: _Seen, grid: np.ndarray, peak: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Centre (3,) of the ostium that a peak (3,) of nearness tells, unit direction (3,) out of the body, nearness."""
    low, high = np.maximum(peak - ROUND, 0), np.minimum(peak + ROUND + 1, SIZE)
    box = tuple(slice(start, stop) for start, stop in zip(low, high, strict=True))
    voxels = np.stack(np.meshgrid(*(np.arange(*ends) for ends in zip(low, high, strict=True)), indexing="ij"), axis=-1)
    near = seen.nearness[seen.nearness[:, *peak].argmax()]
    weights = near[box].ravel() ** 2
    told = voxel_to_ras(voxels.reshape(-1, 3), grid) + STEP * seen.offset[(slice(None), *box)].reshape(3, -1).T
    centre = np.average(told, axis=0, weights=weights)
    outward = unit(np.average(seen.outward[(slice(None), *box)].reshape(3, -1), axis=1, weights=weights).astype(float))
    return centre, outward, float(near[tuple(peak)])
