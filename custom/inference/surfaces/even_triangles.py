"""Triangles of even size: another template on the network's sphere, and vertices that slide over their surface."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from os import PathLike

import numpy as np
import torch
from monai.transforms import Transform
from numpy.typing import NDArray
from torch import Tensor

from ...anatomy.planes import unit
from ...frames import facing_out
from ...geometry.mending.relaxation import Relaxation
from ...geometry.places import Places, nearest_places
from ...geometry.subdivision import subdivide
from ...mesh import Mesh
from ...networks.weights import read_weights
from ...runtime.threads import side_by_side
from ...runtime.timing import timed
from ...template import icosphere
from ..record import Record

DIRECTIONS, FACES = "{}.directions", "{}.faces"
"""Keys of a structure in the file of the template."""
FINER_ROUNDS = 30
"""Of relaxation after each subdivision of the template, when little is left to do."""


class EvenTrianglesd(Transform):
    """The record's `meshes` and `varied_meshes` with the vertices and faces of another template.

    The flow that carries the icosphere to a chamber crowds its vertices at valves and draws them out elsewhere, much
    alike in all hearts. So each structure has another mesh on the sphere, whose triangles are even on a mean heart: its
    vertices go with the triangle of the icosphere in which they lie. What is left, a heart's own, relaxation evens out:
    the vertices slide over the surface, which stays where it is to about 0.02 mm. A structure's vertices are as many in
    every heart, in the same order. Those of varied meshes, and of all `phases` of a beat, lie in the same places of the
    icosphere as those of the mesh itself, and of the first phase.

    Args:
        template: file of the vertices' directions from the sphere's centre (V, 3) and of the faces (F, 3), wound
            outward, of each structure, about as many as the network's icosphere has; see `benchmarks.even_template`.
            Read with the first case. With None the meshes stay as they are.
        subdivisions: of the network's icosphere.
        times: that it was subdivided since, see `Subdivision`, and the template is.
        rounds: of relaxation, before the template is subdivided; with 0 the meshes stay as they are, too.
    """

    def __init__(self, template: str | PathLike | None, subdivisions: int, times: int, rounds: int) -> None:
        self.template = template
        self.subdivisions = subdivisions
        self.times = times
        self.rounds = rounds
        self._templates: dict[str, Template] = {}

    def __call__(self, data: Record) -> Record:
        record = data.copy()
        if self.template is None or self.rounds == 0:
            return record
        with timed(record["seconds"], "even_triangles"):
            if not self._templates:
                sphere, stored = on_sphere(*icosphere(self.subdivisions), self.times), read_weights(self.template)
                self._templates = {
                    name: Template(stored[DIRECTIONS.format(name)], stored[FACES.format(name)], self.times, sphere)
                    for name in {key.partition(".")[0] for key in stored}
                }
            phases = [phase.copy() for phase in record["phases"]] if "phases" in record else [record]
            versions = [meshes for phase in phases for meshes in (phase["meshes"], *phase.get("varied_meshes", ()))]
            affine = np.asarray(phases[0]["image"].affine)
            evened = side_by_side([partial(self._evened, own, affine) for own in zip(*versions, strict=True)])
            following = map(list, zip(*evened, strict=True))
            for phase in phases:
                phase["meshes"] = next(following)
                phase["varied_meshes"] = [next(following) for _ in phase.get("varied_meshes", ())]
            if "phases" in record:
                record["phases"] = phases
        return record

    def _evened(self, versions: Sequence[Mesh], affine: NDArray) -> list[Mesh]:
        """Of one structure, all with the places that the first one's vertices slide to."""
        template = self._templates[versions[0].name]
        places, faces = template.slid_over(versions[0], self.rounds), facing_out(template.faces, affine)
        return [mesh._replace(vertices=places.on(mesh.vertices), faces=faces) for mesh in versions]


class Template:
    """A structure's mesh on the sphere, coarse and subdivided.

    Args:
        directions: (V, 3) of the coarse mesh's vertices from the sphere's centre.
        faces: (F, 3) integer, of the coarse mesh.
        times: that it is subdivided.
        sphere: vertices (N, 3) and faces (M, 3) of the icosphere that surfaces are given on.

    Attributes:
        faces: (4 ** times * F, 3) int64.
    """

    def __init__(
        self, directions: Tensor, faces: Tensor, times: int, sphere: tuple[NDArray[np.float64], NDArray[np.int64]]
    ) -> None:
        self._places = nearest_places(directions.double().numpy(), *sphere)
        self._levels, self._ends = [Relaxation(faces.long().numpy(), len(directions))], []
        for _ in range(times):
            coarse = self._levels[-1]
            faces, ends = subdivide(torch.from_numpy(coarse.faces), coarse.vertices)
            self._levels.append(Relaxation(faces.numpy(), coarse.vertices + len(ends)))
            self._ends.append(ends.numpy())
        self.faces = self._levels[-1].faces

    def slid_over(self, mesh: Mesh, rounds: int) -> Places:
        """Where on a mesh with the icosphere's vertices and faces the subdivided mesh's vertices end up."""
        points = self._places.on(mesh.vertices)
        places = nearest_places(self._levels[0](points, rounds), mesh.vertices, mesh.faces)
        for relax, ends in zip(self._levels[1:], self._ends, strict=True):
            points = places.on(mesh.vertices)
            points = np.concatenate([points, points[ends].mean(1)])
            places = nearest_places(relax(points, FINER_ROUNDS), mesh.vertices, mesh.faces)
        return places


def on_sphere(vertices: Tensor, faces: Tensor, times: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices (V, 3) and faces (F, 3) of a mesh on the unit sphere, subdivided so many times in the order of
    `Subdivision`."""
    for _ in range(times):
        faces, ends = subdivide(faces, len(vertices))
        vertices = torch.cat([vertices, vertices[ends].mean(1)])
    return unit(vertices.numpy()), faces.numpy()
