"""Surfaces made fair, and finer."""

from __future__ import annotations

import torch

from ...geometry.mending.fairing import fair
from ...geometry.subdivision import subdivide
from .refinement import Seen, Surfaces


class Fairing:
    """Each surface made fair, see :func:`custom.geometry.mending.fairing.fair`.

    In a heart unlike those that were learnt the flow can crumple a surface, most of all where its triangles are drawn
    out; what is left then is near enough to the chamber for :class:`BoundarySnapping`.

    Args:
        rounds, tangential, bending: of `fair`; without rounds the surfaces stay as they are.
    """

    def __init__(self, rounds: int, tangential: float, bending: float) -> None:
        self.rounds = rounds
        self.tangential = tangential
        self.bending = bending

    def __call__(self, surfaces: Surfaces, seen: Seen) -> Surfaces:
        """The same faces, vertices moved; the segmentation does not count."""
        vertices, faces = surfaces
        moved = fair(vertices.flatten(0, 1), faces, self.rounds, self.tangential, self.bending)
        return Surfaces(moved.view_as(vertices), faces)


class Subdivision:
    """Each surface with a vertex in the middle of every edge, so many times, and made fair again after each.

    The fine surface bends where the coarse one had its edges until that is done; then it follows the segmentation where
    the coarse one cut corners.

    Args:
        times: that the faces become four times as many; 0 leaves the surfaces as they are.
        rounds, tangential, bending: of :func:`custom.geometry.mending.fairing.fair`.
    """

    def __init__(self, times: int, rounds: int, tangential: float, bending: float) -> None:
        self.times = times
        self.fairing = Fairing(rounds, tangential, bending)

    def __call__(self, surfaces: Surfaces, seen: Seen) -> Surfaces:
        """(B, S, V + E, 3) and (4 F, 3) for each time, E edges; old vertices come first."""
        for _ in range(self.times):
            faces, ends = subdivide(surfaces.faces, surfaces.vertices.shape[2])
            vertices = torch.cat([surfaces.vertices, surfaces.vertices[:, :, ends].mean(3)], 2)
            surfaces = self.fairing(Surfaces(vertices, faces), seen)
        return surfaces
