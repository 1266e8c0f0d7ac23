"""By how much a surface is expected to be wrong at each vertex, from what is known of the vertex without the truth."""

from __future__ import annotations

from functools import partial
from os import PathLike
from typing import Any

import numpy as np
from monai.transforms import Transform
from scipy.ndimage import map_coordinates
from scipy.spatial import KDTree

from ...anatomy.planes import Surface
from ...anatomy.regions import APPENDAGE, ATRIAL_SIDE, OUTLET, VENTRICULAR_SIDE
from ...chambers import ENCLOSED, LEFT_HEART
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
from .doubt import usable

SMOOTHED = ("variation_along_normal", "to_segmentation", "to_edge")
"""Signs that are also taken as the mean of their surroundings."""
ROUNDS = 8
"""Of averaging with the neighbours."""
FAR = 20.0
"""mm from the other chamber, or the U-Net's segmentation, beyond which it does not matter how far."""
REACHES = {"expected_within_1_mm": 1.0, "expected_within_2_mm": 2.0}
"""The report's keys, and the mm that are meant."""
_REGIONS = (APPENDAGE, ATRIAL_SIDE, VENTRICULAR_SIDE, OUTLET)
SIGNS = 13 + len(SMOOTHED) + len(_REGIONS)


class ExpectErrord(Transform):
    """The record's `meshes` get their `expected_error_mm`, and its `structures` the shares of `REACHES` by area.

    Of the left heart alone, in which the network was calibrated, and where there are `varied_meshes` and `edges`;
    otherwise the meshes stay as they are, and the shares are None, as they are of a surface that is not to be used.

    Args:
        checkpoint: state dict of `VertexError`, loaded at the first case; None for none.
    """

    def __init__(self, checkpoint: str | PathLike | None) -> None:
        self.network = None if checkpoint is None else Trained(VertexError(SIGNS), checkpoint)

    def __call__(self, data: Record) -> Record:
        record = data.copy()
        with timed(record["seconds"], "expected_error"):
            structures = {name: {**checks, **dict.fromkeys(REACHES)} for name, checks in record["structures"].items()}
            if self._possible(record):
                network = self.network()
                record["meshes"] = side_by_side(
                    [partial(_expected, network, record, mesh, structures) for mesh in record["meshes"]]
                )
            record["structures"] = structures
        return record

    def _possible(self, record: Record) -> bool:
        names = tuple(mesh.name for mesh in record["meshes"])
        told = len(record.get("varied_meshes", ())) > 0 and "edges" in record
        return self.network is not None and names == LEFT_HEART and told


def _expected(network: VertexError, record: Record, mesh: Mesh, structures: dict[str, dict[str, Any]]) -> Mesh:
    """The mesh with its expected errors, whose shares its `structures` get."""
    surface = Surface.of(mesh)
    expected = network.expected_mm(signs_of(record, mesh.name, surface))
    if usable(structures[mesh.name]):
        shares = {key: network.share_within(expected, reach) for key, reach in REACHES.items()}
        structures[mesh.name] |= {key: float(np.average(share, weights=surface.areas)) for key, share in shares.items()}
    return mesh._replace(expected_error_mm=expected)


def signs_of(record: Record, name: str, surface: Surface) -> np.ndarray:
    """What may tell of an error at each vertex of a mesh: (V, `SIGNS`), lengths in mm.

    How far a varied image moves the vertex, along the normal and in all; how far the U-Net's segmentation ends from
    it, and the blood's edge in the image; the step there; whether it lies near the other chamber; bumps; the area that
    it stands for; the thickness of the slices; its chamber; these, smoothed; its region.

    Args:
        record: holds `meshes` with their regions, `varied_meshes`, `segmentation`, `image` and `edges`.
        name: of the mesh.
        surface: it.
    """
    names = [mesh.name for mesh in record["meshes"]]
    mesh, image = record["meshes"][names.index(name)], record["image"]
    points, graph = surface.vertices, VertexGraph(mesh.faces, len(surface.vertices))
    moved = np.stack([others[names.index(name)].vertices - points for others in record["varied_meshes"]])
    edges = record["edges"][name]
    outside = _outside(record, name, points)
    others = np.concatenate([other.vertices for other in record["meshes"] if other.name != name])
    bump = np.einsum("vk,vk->v", points - _smoothed(graph, points), surface.normals)
    single = {
        "variation_along_normal": np.abs(np.einsum("nvk,vk->nv", moved, surface.normals)).max(axis=0),
        "variation": np.linalg.norm(moved, axis=2).max(axis=0),
        "to_segmentation": np.abs(outside),
        "outside_segmentation": outside,
        "to_edge": np.abs(np.nan_to_num(edges.offset)),
        "has_edge": np.isfinite(edges.offset),
        "step": edges.step / 100,
        "to_other": np.minimum(KDTree(others).query(points, distance_upper_bound=FAR)[0], FAR),
        "bump": bump,
        "unevenness": np.linalg.norm(graph.around_each(points) - points, axis=1),
        "area": np.log(surface.areas + 1e-3),
        "slices": np.full(len(points), spacing_of(np.asarray(image.meta["original_affine"])).max()),
        "atrium": np.full(len(points), float(name == LEFT_HEART[0])),
    }
    columns = [*single.values(), *(_smoothed(graph, single[key]) for key in SMOOTHED)]
    columns += [mesh.regions == region for region in _REGIONS]
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
