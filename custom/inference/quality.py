"""What can be checked of a predicted mesh without knowing the truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import trimesh

from ..frames import ras_to_voxel
from ..geometry.intersections import self_intersections
from ..metrics import mesh_area, mesh_volume
from .mesh_files import Mesh


def leaves_grid(mesh: Mesh, shape: Sequence[int], affine: np.ndarray) -> bool:
    """Whether a vertex lies at or beyond the outermost voxel centres of a grid (D0, D1, D2), voxel-to-RAS `affine`."""
    voxels = ras_to_voxel(mesh.vertices, affine)
    return bool((voxels <= 0).any() or (voxels >= np.asarray(shape) - 1).any())


def check_mesh(mesh: Mesh) -> dict[str, Any]:
    """Volume (mL), area (cm²) and the checks of one mesh, ready for JSON."""
    surface = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    volume = mesh_volume(mesh.vertices, mesh.faces)
    return {
        "volume_ml": round(volume, 3),
        "area_cm2": round(mesh_area(mesh.vertices, mesh.faces), 3),
        "watertight": bool(surface.is_watertight and surface.is_winding_consistent),
        "outward": volume > 0,
        "euler_number": int(surface.euler_number),
        "self_intersections": len(self_intersections(mesh.vertices, mesh.faces)),
    }
