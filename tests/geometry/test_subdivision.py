"""Edges know their faces; a vertex in the middle of each changes nothing of the surface."""

from __future__ import annotations

import pytest
import torch

from custom.geometry.subdivision import edges_of, subdivide
from custom.metrics import mesh_area, mesh_volume


def test_edges_know_their_faces(icosphere):
    vertices, faces = icosphere(2)
    edges = edges_of(faces)
    assert len(vertices) - len(edges.ends) + len(faces) == 2  # Euler, for a sphere
    for edge, (ends, sides) in enumerate(zip(edges.ends.tolist(), edges.faces.tolist(), strict=True)):
        for face in sides:
            assert set(ends) <= set(faces[face].tolist())
            assert edge in edges.of_face[face]
    first = edges.ends[edges.of_face[:, 0]].sort(1).values
    assert torch.equal(first, faces[:, :2].sort(1).values)


def test_an_open_mesh_is_refused(icosphere):
    _, faces = icosphere(1)
    with pytest.raises(ValueError, match="not closed"):
        edges_of(faces[1:])


def test_subdivision_keeps_the_surface(icosphere):
    vertices, faces = icosphere(1)
    finer, ends = subdivide(faces, len(vertices))
    middles = torch.cat([vertices, vertices[ends].mean(1)])
    assert len(finer) == 4 * len(faces) and len(middles) == int(finer.max()) + 1
    edges_of(finer)  # closed
    assert mesh_area(middles, finer) == pytest.approx(mesh_area(vertices, faces), rel=1e-12)
    assert mesh_volume(middles, finer) == pytest.approx(mesh_volume(vertices, faces), rel=1e-12)  # winding too
