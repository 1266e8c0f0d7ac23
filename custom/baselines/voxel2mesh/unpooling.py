"""Adaptive mesh unpooling (Voxel2Mesh, section 3.2): a surface gains vertices where they move it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ...geometry.subdivision import subdivide
from ..triangulation import triangulate_sphere


class GrowingSurface(NamedTuple):
    """A closed surface of genus 0 on its way to more vertices.

    Attributes:
        vertices: (V, 3) normalised.
        faces: (F, 3) int64, outward.
        sphere: (V, 3) the vertices' places on the unit sphere, by which they are triangulated.
        hidden: (V, C) their hidden state.
    """

    vertices: Tensor
    faces: Tensor
    sphere: Tensor
    hidden: Tensor

    def unpooled(self) -> tuple[GrowingSurface, Tensor]:
        """With a vertex, of mean place and state, in the middle of every edge; and the ends (E, 2) of the edges."""
        faces, ends = subdivide(self.faces, len(self.vertices))
        vertices, sphere, hidden = (
            torch.cat([values, values[ends].mean(1)]) for values in (self.vertices, self.sphere, self.hidden)
        )
        return GrowingSurface(vertices, faces, F.normalize(sphere, dim=-1), hidden), ends

    def thinned(self, ends: Tensor, share: float) -> GrowingSurface:
        """Without those of the last E vertices that have moved least from their edges, triangulated anew.

        Args:
            ends: (E, 2) of the edges whose middles they were.
            share: of them that stay. Their number is the same whatever the surface.
        """
        old = len(self.vertices) - len(ends)
        moved = distance_to_segments(self.vertices[old:], *self.vertices[ends].unbind(1)).detach()
        stay = moved.topk(int(share * len(ends))).indices.sort().values + old
        index = torch.cat([torch.arange(old, device=stay.device), stay])
        sphere = self.sphere[index]
        return GrowingSurface(self.vertices[index], triangulate_sphere(sphere), sphere, self.hidden[index])


def distance_to_segments(points: Tensor, starts: Tensor, ends: Tensor) -> Tensor:
    """Distances (E,) of points (E, 3), one each, to the segments between starts and ends (E, 3)."""
    along = ends - starts
    length2 = along.square().sum(-1).clamp_min(torch.finfo(points.dtype).tiny)
    t = (((points - starts) * along).sum(-1) / length2).clamp(0, 1)
    return (points - starts - t.unsqueeze(-1) * along).norm(dim=-1)
