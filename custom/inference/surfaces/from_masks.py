"""From the class probabilities of a crop's voxels to meshes, as a dictionary transform."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import torch
import trimesh
from monai.transforms import MapTransform
from trimesh.smoothing import filter_taubin

from ...chambers import ENCLOSED
from ...frames import facing_out, voxel_to_ras
from ...geometry.isosurface import isosurface
from ...inputs import InputError, wanted_structures
from ...mesh import Mesh
from ...runtime.timing import timed
from ..record import Record

SHRINKAGE, DILATION = 0.5, 0.53
"""Factors of Taubin's two steps; 0 < 1 / shrinkage - 1 / dilation < 0.1 keeps the volume (Taubin, SIGGRAPH 1995)."""


class MasksToMeshesd(MapTransform):
    """Class probabilities on the crop's grid to smoothed closed surfaces in RAS mm, one per structure.

    `pred` (S + 1, D0, D1, D2), background first, becomes the record's `meshes`, a list of `Mesh`; see
    :func:`custom.geometry.isosurface.isosurface`.

    Args:
        keys: the key of the probabilities.
        structures: those wanted, of `custom.chambers.STRUCTURES`.
        smoothing_steps: of Taubin's filter, shrinkage and dilation counted each.

    Raises:
        InputError: a structure was not seen.
    """

    def __init__(self, keys: Hashable, structures: str | Sequence[str], smoothing_steps: int) -> None:
        super().__init__(keys)
        self.structures = wanted_structures(structures)
        self.smoothing_steps = smoothing_steps

    def __call__(self, data: Record) -> Record:
        record = data.copy()
        with timed(record["seconds"], "meshes"):
            probability = torch.as_tensor(record[self.keys[0]]).float().cpu().numpy()
            affine = np.asarray(record["image"].affine)
            record["meshes"] = [
                self._mesh(name, probability[list(ENCLOSED[name])].sum(0), affine) for name in self.structures
            ]
        return record

    def _mesh(self, name: str, probability: np.ndarray, affine: np.ndarray) -> Mesh:
        try:
            vertices, faces = isosurface(probability)
        except ValueError as error:
            raise InputError(f"the network sees no {name} in the crop", "no_surface") from error
        surface = trimesh.Trimesh(voxel_to_ras(vertices, affine), facing_out(faces, affine), process=False)
        filter_taubin(surface, SHRINKAGE, DILATION, self.smoothing_steps)
        return Mesh(name, np.asarray(surface.vertices), np.asarray(surface.faces))
