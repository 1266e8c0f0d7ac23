"""The network's vertices to meshes in mm."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import MapTransform

from ...chambers import LEFT_HEART, STRUCTURES
from ...frames import UP, facing_out, normalised_to_ras
from ...inputs import wanted_structures
from ...mesh import Mesh
from ...runtime.timing import timed
from ..record import Record
from .aortic_end import ended_at
from .outliers import moved_summary


class VerticesToMeshesd(MapTransform):
    """Normalised vertices of the crop to meshes in RAS mm, one per structure.

    `pred` (S, V, 3) becomes the record's `meshes`, and `varied` (N, S, V, 3), if any, its `varied_meshes`, all of the
    record's `faces` (S, F, 3), wound outward; `pulled_back`, if any, becomes `withdrawn`. The aorta ends at the upper
    level of the atria.

    Args:
        keys: the key of the network's output.
        structures: those wanted, of `STRUCTURES`.

    Raises ValueError if a vertex is not finite.
    """

    def __init__(self, keys: Hashable, structures: str | Sequence[str] = LEFT_HEART) -> None:
        super().__init__(keys)
        self.structures = wanted_structures(structures)

    def __call__(self, data: Record) -> Record:
        record = data.copy()
        with timed(record["seconds"], "meshes"):
            faces = torch.as_tensor(record["faces"]).cpu().numpy()
            record["meshes"] = self._meshes(record[self.keys[0]], faces, record["image"])
            varied = record.get("varied", ())
            record["varied_meshes"] = [self._meshes(vertices, faces, record["image"]) for vertices in varied]
            if "pulled_back" in record:
                distances = record["pulled_back"].cpu().numpy()
                record["withdrawn"] = {
                    name: moved_summary(distances[STRUCTURES.index(name)]) for name in self.structures
                }
        return record

    def _meshes(self, vertices: torch.Tensor, faces: np.ndarray, image: MetaTensor) -> list[Mesh]:
        vertices = torch.as_tensor(vertices).detach().cpu().double().numpy()
        if not np.isfinite(vertices).all():
            raise ValueError("the network gave vertices that are not finite: are the weights sound?")
        affine = np.asarray(image.affine)
        placed = dict(zip(STRUCTURES, normalised_to_ras(vertices, image.shape[1:], affine), strict=False))
        wound = dict(zip(STRUCTURES, (facing_out(each, affine) for each in faces), strict=False))
        if "AO" in placed:
            upper_level = max(float((placed[atrium] @ UP).max()) for atrium in ("LA", "RA"))
            placed["AO"] = ended_at(placed["AO"], wound["AO"], upper_level)
        return [Mesh(name, placed[name], wound[name]) for name in self.structures]
