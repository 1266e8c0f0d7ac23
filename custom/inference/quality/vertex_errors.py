"""By how much a surface is expected to be wrong at each vertex, from what is known of the vertex without the truth."""

from __future__ import annotations

from functools import partial
from os import PathLike

import numpy as np
from monai.transforms import Transform
from scipy.ndimage import map_coordinates

from ...anatomy.planes import Surface
from ...chambers import ENCLOSED, STRUCTURES
from ...frames import ras_to_voxel, spacing_of
from ...geometry.mending.vertex_graph import VertexGraph
from ...geometry.region_distance import distance_up_to
from ...mesh import Mesh
from ...networks.vertex_error import VertexError
from ...networks.weights import Trained
from ...runtime.threads import side_by_side
from ...runtime.timing import timed
from ..record import Record
from .checks import segmentation_of

SMOOTHED = ("variation_along_normal", "to_segmentation", "to_edge")
"""Signs that are also taken as the mean of their surroundings."""
ROUNDS = 8
"""Of averaging with the neighbours."""
FAR = 20.0
"""mm from the U-Net's segmentation, beyond which it does not matter how far."""
REACHES = {"expected_within_1_mm": 1.0, "expected_within_2_mm": 2.0}
"""The report's keys, and the mm that are meant."""
SIGNS = 11 + len(SMOOTHED) + len(STRUCTURES)


class ExpectErrord(Transform):
    """The record's `meshes` get their `expected_error_mm`, and the record what is `expected` of each.

    Where there are `varied_meshes` and `edges`; otherwise the record stays as it is.

    Args:
        checkpoint: state dict of `VertexError`, loaded at the first case; None for none.
    """

    def __init__(self, checkpoint: str | PathLike | None) -> None:
        self.network = None if checkpoint is None else Trained(VertexError(SIGNS), checkpoint)

    def __call__(self, data: Record) -> Record:
        record = data.copy()
        if self.network is None or "edges" not in record or not record.get("varied_meshes"):
            return record
        with timed(record["seconds"], "expected_error"):
            network = self.network()
            found = side_by_side([partial(_expected, network, record, mesh) for mesh in record["meshes"]])
            record["meshes"] = [mesh for mesh, _ in found]
            record["expected"] = {mesh.name: expected for mesh, expected in found}
        return record


def _expected(network: VertexError, record: Record, mesh: Mesh) -> tuple[Mesh, dict[str, float]]:
    """The mesh with its expected errors, and what they say of it."""
    surface = Surface.of(mesh)
    errors = network.expected_mm(signs_of(record, mesh.name, surface))
    weights = surface.areas / max(surface.areas.sum(), 1e-9)  # a surface that has collapsed has no area
    told = {key: float(network.share_within(errors, reach) @ weights) for key, reach in REACHES.items()}
    told["expected_dice"] = expected_dice(errors, surface.areas, surface.volume_ml)
    return mesh._replace(expected_error_mm=errors), told


def expected_dice(errors: np.ndarray, areas: np.ndarray, volume_ml: float) -> float:
    """Dice with the truth, from 0 to 1, of a surface of some volume that is off by errors (V,), mm, at vertices of
    areas (V,), mm²: what lies between both is the errors' integral, of two volumes that are about the same."""
    between = float(errors @ areas) / 1e3
    return max(1 - between / (2 * volume_ml), 0.0) if volume_ml > 0 else 0.0


def signs_of(record: Record, name: str, surface: Surface) -> np.ndarray:
    """What may tell of an error at each vertex of a mesh: (V, `SIGNS`), lengths in mm.

    How far a varied image moves the vertex, along the normal and in all; how far the U-Net's segmentation ends from
    it, and the blood's edge in the image; the step there; bumps; the area that it stands for; the thickness of the
    slices; of these, some smoothed; its structure.

    Args:
        record: holds `meshes`, `varied_meshes`, `segmentation`, `image` and `edges`.
        name: of the mesh.
        surface: it.
    """
    place = [mesh.name for mesh in record["meshes"]].index(name)
    image, edges = record["image"], record["edges"][name]
    points, graph = surface.vertices, VertexGraph(record["meshes"][place].faces, len(surface.vertices))
    moved = np.stack([others[place].vertices - points for others in record["varied_meshes"]])
    outside = _outside(record, name, points)
    single = {
        "variation_along_normal": np.abs(np.einsum("nvk,vk->nv", moved, surface.normals)).max(axis=0),
        "variation": np.linalg.norm(moved, axis=2).max(axis=0),
        "to_segmentation": np.abs(outside),
        "outside_segmentation": outside,
        "to_edge": np.abs(np.nan_to_num(edges.offset)),
        "has_edge": np.isfinite(edges.offset),
        "step": edges.step / 100,
        "bump": np.einsum("vk,vk->v", points - _smoothed(graph, points), surface.normals),
        "unevenness": np.linalg.norm(graph.around_each(points) - points, axis=1),
        "area": np.log(surface.areas + 1e-3),
        "slices": np.full(len(points), spacing_of(np.asarray(image.meta["original_affine"])).max()),
    }
    columns = [*single.values(), *(_smoothed(graph, single[key]) for key in SMOOTHED)]
    columns += [np.full(len(points), float(name == structure)) for structure in STRUCTURES]
    return np.stack(columns, axis=1).astype(np.float32)


def _outside(record: Record, name: str, points: np.ndarray) -> np.ndarray:
    """(P,) mm that points lie outside what the U-Net saw of a chamber, negative within; `FAR` at most."""
    segmentation, level = segmentation_of(record)
    seen, spacing = np.isin(segmentation, ENCLOSED[name]), spacing_of(level.affine)
    if not seen.any():
        return np.full(len(points), FAR)
    outward, inward = (np.minimum(distance_up_to(FAR, region, spacing), FAR) for region in (seen, ~seen))
    return map_coordinates(outward - inward, ras_to_voxel(points, level.affine).T, order=1, mode="nearest")


def _smoothed(graph: VertexGraph, values: np.ndarray) -> np.ndarray:
    for _ in range(ROUNDS):
        values = graph.around_each(values)
    return values
