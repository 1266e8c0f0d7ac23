"""Surfaces made fair: triangles of even shape, and no crumples, without a change of the shape at large."""

from __future__ import annotations

from torch import Tensor

from ..normals import vertex_normals
from .umbrella import edges_of, umbrella


def fair(vertices: Tensor, faces: Tensor, rounds: int, tangential: float, bending: float) -> Tensor:
    """Vertices moved a little towards where their neighbours would have them, so many times.

    With the umbrella operator U, the mean of the neighbours less the vertex itself (Kobbelt et al., Interactive
    Multi-Resolution Modeling on Arbitrary Meshes, SIGGRAPH 1998), a round adds

        tangential * (U v)_t - bending * (U U v)_n

    in the tangent plane and along the normal. The first evens out the triangles and leaves the surface where it is, to
    first order. The second takes crumples away in a few rounds, whose U U v is as large as themselves, and hardly
    moves a bend that is wide against the edges: unlike U v alone it does not shrink what is round.

    Args:
        vertices: (N, V, 3) floating point, any frame with equal units along its axes.
        faces: (F, 3) int64, of a closed mesh, shared by all N, normals pointing outward.
        rounds: 0 leaves every bit.
        tangential, bending: from 0; above 1 and 0.5 a round overshoots.

    Returns:
        (N, V, 3). What did not cross itself can do so afterwards, where two sheets are close.
    """
    edges = edges_of(faces)
    for _ in range(rounds):
        normals = vertex_normals(vertices, faces)
        first = umbrella(vertices, edges)
        second = umbrella(first, edges)
        along = (first * normals).sum(-1, keepdim=True) * normals
        bend = (second * normals).sum(-1, keepdim=True) * normals
        vertices = vertices + tangential * (first - along) - bending * bend
    return vertices
