"""Edges know their faces; a vertex in the middle of each changes nothing of the surface."""

from __future__ import annotations

import pytest
import torch
import trimesh

from custom.geometry.subdivision import edges_of, subdivide


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
    coarse = trimesh.Trimesh(vertices, faces, process=False)
    fine = trimesh.Trimesh(middles, finer, process=False)
    assert fine.area == pytest.approx(coarse.area, rel=1e-12)
    assert fine.volume == pytest.approx(coarse.volume, rel=1e-12)  # winding too
