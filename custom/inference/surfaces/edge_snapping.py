"""Edge snapping: surfaces drawn to where the scan itself, at its own resolution, shows the edge of blood."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from os import PathLike

import numpy as np
import torch
from monai.transforms import Transform

from ...edges import edge_features
from ...geometry.facing import short_of_meeting
from ...geometry.mending.vertex_graph import VertexGraph
from ...mesh import Mesh
from ...networks.edge_network import EdgeNetwork
from ...networks.weights import Trained
from ...profiles import Scan, normals_of
from ...runtime.threads import side_by_side
from ...runtime.timing import timed
from ..record import Record

AROUND = 10
"""Times that normals are averaged with those of their neighbours for the directions of the ways."""


class SnapToEdgesd(Transform):
    """The record's `meshes` and `varied_meshes` moved along their normals to the edges of its `scan`.

    The network tells of each vertex by itself where the edge is and how certain that is; all vertices of a surface then
    move together, by the field that keeps to what is certain, is even over the surface, and else stays near 0. So a
    mitral plane, the cut of a vein or the neck of an appendage, which no scan shows, stays where it was. Where two
    surfaces face each other, they stop short of meeting.

    Surfaces of structures that the network does not know stay as they are, and so does a case without a `scan`. The
    `varied_meshes` of a beat's phase, which are its surfaces without the common motion, go the same ways as its
    `meshes`: what lies between them is to be told, not taken away.

    Args:
        network: reads the profiles; always on the CPU, for it is small.
        checkpoint: its state dict, loaded with the first case.
        share: of the way that is gone, 0 to 1.
        stiffness: how much a difference of 1 mm between neighbours weighs against one of 1 mm to an edge that is
            certain to 1 mm.
        anchor_mm: as certain as an edge has to be to weigh as much as staying.
    """

    def __init__(
        self, network: EdgeNetwork, checkpoint: str | PathLike, share: float, stiffness: float, anchor_mm: float
    ) -> None:
        self.network = Trained(network, checkpoint)
        self.share = share
        self.stiffness = stiffness
        self.anchor = anchor_mm**-2

    def __call__(self, data: Record) -> Record:
        record = data.copy()
        if self.share == 0 or "scan" not in record:
            return record
        with timed(record["seconds"], "edges"):
            versions = [record["meshes"], *record.get("varied_meshes", ())]
            seen, alike = (versions[:1], len(versions)) if "percent" in record else (versions, 1)
            network = self.network()
            calls = [partial(self._moves, network, meshes, record["scan"]) for meshes in seen]
            moves = side_by_side(calls) * alike
            moved = [
                [mesh._replace(vertices=mesh.vertices + move) for mesh, move in zip(meshes, own, strict=True)]
                for meshes, own in zip(versions, moves, strict=True)
            ]
            record["meshes"], *record["varied_meshes"] = moved
        return record

    def _moves(self, network: EdgeNetwork, meshes: Sequence[Mesh], scan: Scan) -> list[np.ndarray]:
        """Of each mesh (V, 3) mm that its vertices are to go."""
        found = side_by_side([partial(self._ways, network, mesh, scan) for mesh in meshes])
        ways, directions = zip(*found, strict=True)
        ways = short_of_meeting([mesh.vertices for mesh in meshes], directions, ways)
        return [way[:, None] * direction for way, direction in zip(ways, directions, strict=True)]

    def _ways(self, network: EdgeNetwork, mesh: Mesh, scan: Scan) -> tuple[np.ndarray, np.ndarray]:
        """(V,) mm that its vertices are to go, 0 where the network does not know the structure, and their directions
        (V, 3).

        A direction is the mean of the normals around, and what that is shorter than 1 the way becomes shorter: on a
        sharp ridge, the rim of a valve or a crease, normals lead to each other and the surface would fold.
        """
        known, normals = network.structures, normals_of(mesh.vertices, mesh.faces)
        if mesh.name not in known:
            return np.zeros(len(mesh.vertices)), normals
        graph = VertexGraph(mesh.faces, len(mesh.vertices))
        features = edge_features(scan, mesh.vertices, normals, graph, known.index(mesh.name), len(known))
        with torch.inference_mode():
            offset, spread = network(torch.from_numpy(features))
        certainty = (-2 * spread.double()).exp().numpy()
        certain = offset.double().numpy() * certainty / (certainty + self.anchor)
        ways = self.share * graph.regularised(certain, certainty + self.anchor, self.stiffness)
        around = graph.averaged(normals, AROUND)
        alike = np.linalg.norm(around, axis=1)
        return ways * alike, around / np.maximum(alike, 1e-9)[:, None]
