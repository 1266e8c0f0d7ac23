"""What can be checked of a predicted mesh without knowing the truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ..frames import ras_to_voxel
from ..geometry.intersections import self_intersections
from .mesh_files import Mesh


def volume_ml(mesh: Mesh) -> float:
    """Enclosed volume in mL, positive where faces wind outward (divergence theorem)."""
    a, b, c = (mesh.vertices - mesh.vertices.mean(axis=0))[mesh.faces].transpose(1, 0, 2)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6 / 1000)


def area_cm2(mesh: Mesh) -> float:
    """Surface area in cm²."""
    a, b, c = mesh.vertices[mesh.faces].transpose(1, 0, 2)
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2 / 100)


def is_watertight(mesh: Mesh) -> bool:
    """Whether every directed edge occurs once and so does its reverse: closed, manifold along edges, evenly wound."""
    size = len(mesh.vertices)
    edges = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]])
    forward = np.sort(edges[:, 0] * size + edges[:, 1])
    backward = np.sort(edges[:, 1] * size + edges[:, 0])
    return bool((np.diff(forward) > 0).all() and np.array_equal(forward, backward))


def euler_number(mesh: Mesh) -> int:
    """Vertices in use minus edges plus faces: 2 for a sphere."""
    edges = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]])
    return int(len(np.unique(mesh.faces)) - len(np.unique(np.sort(edges, axis=1), axis=0)) + len(mesh.faces))


def leaves_grid(mesh: Mesh, shape: Sequence[int], affine: np.ndarray) -> bool:
    """Whether a vertex lies at or beyond the outermost voxel centres of a grid (D0, D1, D2), voxel-to-RAS `affine`."""
    voxels = ras_to_voxel(mesh.vertices, affine)
    return bool((voxels <= 0).any() or (voxels >= np.asarray(shape) - 1).any())


def check_mesh(mesh: Mesh) -> dict[str, Any]:
    """Volume (mL), area (cm²) and the checks of one mesh, ready for JSON."""
    volume = volume_ml(mesh)
    crossings = self_intersections(torch.from_numpy(mesh.vertices), torch.from_numpy(mesh.faces.copy()))
    return {
        "volume_ml": round(volume, 3),
        "area_cm2": round(area_cm2(mesh), 3),
        "watertight": is_watertight(mesh),
        "outward": volume > 0,
        "euler_number": euler_number(mesh),
        "self_intersections": len(crossings),
    }
