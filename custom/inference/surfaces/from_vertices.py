"""The network's vertices to meshes in mm."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import MapTransform

from ...chambers import LABELS, LEFT_HEART, STRUCTURES
from ...frames import UP, facing_out, normalised_to_ras, voxels_along
from ...inputs import wanted_structures
from ...mesh import Mesh
from ...runtime.timing import timed
from ..quality.checks import segmentation_of
from ..record import Record
from .aortic_end import ended_at
from .outliers import moved_summary

AORTA = STRUCTURES.index("AO")


class VerticesToMeshesd(MapTransform):
    """Normalised vertices of the crop to meshes in RAS mm, one per structure.

    `pred` (S, V, 3) becomes the record's `meshes`, and `varied` (N, S, V, 3), if any, its `varied_meshes`, all of the
    record's `faces` (S, F, 3), wound outward; `pulled_back`, if any, becomes `withdrawn`. The aorta ends at the upper
    level of the atria, and what the `segmentation` has of it beyond becomes background.

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
            wound = [facing_out(each, np.asarray(record["image"].affine)) for each in faces]
            placed = _in_patient(record[self.keys[0]], record["image"])
            record["meshes"] = self._meshes(placed, wound)
            varied = [_in_patient(vertices, record["image"]) for vertices in record.get("varied", ())]
            record["varied_meshes"] = [self._meshes(each, wound) for each in varied]
            if AORTA < len(placed):
                segmentation, grid = segmentation_of(record)
                beyond = voxels_along(UP, *grid) > _upper_level(placed)
                kept = np.where(beyond & (segmentation == LABELS["AO"]), 0, segmentation)
                record["segmentation"] = torch.from_numpy(kept)[None]
            if "pulled_back" in record:
                distances = record["pulled_back"].cpu().numpy()
                record["withdrawn"] = {
                    name: moved_summary(distances[STRUCTURES.index(name)]) for name in self.structures
                }
        return record

    def _meshes(self, placed: np.ndarray, wound: Sequence[np.ndarray]) -> list[Mesh]:
        """Of those wanted, from vertices (S, V, 3), RAS mm, and faces (F, 3) of each."""
        meshes = {name: Mesh(name, *each) for name, *each in zip(STRUCTURES, placed, wound, strict=False)}
        if aorta := meshes.get("AO"):
            ended = ended_at(aorta.vertices, aorta.faces, _upper_level(placed))
            meshes["AO"] = aorta._replace(vertices=ended)
        return [meshes[name] for name in self.structures]


def _in_patient(vertices: torch.Tensor, image: MetaTensor) -> np.ndarray:
    """(S, V, 3) RAS mm of normalised vertices of a crop."""
    vertices = torch.as_tensor(vertices).detach().cpu().double().numpy()
    if not np.isfinite(vertices).all():
        raise ValueError("the network gave vertices that are not finite: are the weights sound?")
    return normalised_to_ras(vertices, image.shape[1:], np.asarray(image.affine))


def _upper_level(placed: np.ndarray) -> float:
    """mm along `UP`, of the atria among all structures' vertices (S, V, 3), RAS mm."""
    return max(float((placed[STRUCTURES.index(atrium)] @ UP).max()) for atrium in ("LA", "RA"))
