"""Where the heart is in a CT of any field of view, and the crop round it, as dictionary transforms."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import product
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import torch
from monai.data import MetaTensor
from monai.inferers import Inferer
from monai.transforms import Transform
from monai.transforms.utils import get_largest_connected_component_mask
from monai.utils import MetaKeys
from torch.utils.data import get_worker_info

from ..frames import box_around, centred_affine, covering_grid, ras_to_voxel, voxel_to_ras
from ..inputs import AIR, Findings, InputError
from ..networks.weights import Trained
from ..profiles import Scan
from ..runtime.timing import timed
from ..sampling import regrid
from .directions import Look
from .quality.doubt import BY_NAME
from .record import Record

STRAY = 0.01
"""Share of what is seen that may lie beyond the box on each of its sides."""


class Heart(NamedTuple):
    """What the locator saw of a heart."""

    centre: np.ndarray
    """(3,) float64 RAS mm: middle of the box round the chambers; not a number where none was seen."""
    seen_ml: float
    """Volume of the largest connected piece of chambers, mL."""


class LocateHeartd(Transform):
    """Find the middle of the heart: the record gets `centre`, (3,) float64 RAS mm.

    The whole image is resampled to a coarse upright grid and segmented. The centre is the middle of the box round the
    largest connected piece of chambers, without `STRAY` of its voxels on either side, and `offset` from there.

    The record's `reading` gets `heart` for the report: `centre_ras_mm`, `from_middle_mm` (its distance from the image's
    middle) and `seen_ml`, null where nothing was looked for; and `directions`, how the anatomy looks there: `upright`
    and `confused`. Its `seconds` get `locate` and `directions`.

    Args:
        keys: the key of the CT, MetaTensor (1, D0, D1, D2) in HU, affine voxel to RAS mm.
        network: maps a windowed coarse image (B, 1, D0, D1, D2) to logits (B, C, D0, D1, D2), background first.
        checkpoint: its state dict, loaded when the first heart is looked for.
        device: where the network runs; in a data loader's worker, which is a fork that CUDA refuses, on the CPU.
        inferer: how it sees an image of any size.
        windowing: the dictionary transform that windows an image under the same key.
        spacing: of the coarse grid, mm.
        least_ml: less of the chambers than this is no heart, mL.
        offset: mm (3,) RAS from the chambers' middle to that of all that the crop is to hold, in most patients.
        directions: looks at the image round a point, RAS mm, whether the anatomy runs as the header says.
        centre: RAS mm that are taken instead; None looks for the heart. A `centre` in the record goes before what is
            found.
        force: crop the image's middle where no heart is found.

    Raises:
        InputError: no heart is found, or the given centre lies outside the image.
    """

    def __init__(
        self,
        keys: Hashable,
        network: torch.nn.Module,
        checkpoint: str | PathLike,
        device: torch.device | str,
        inferer: Inferer,
        windowing: Callable[[Mapping[Hashable, Any]], Mapping[Hashable, Any]],
        spacing: float,
        least_ml: float,
        offset: Sequence[float],
        directions: Callable[[MetaTensor, np.ndarray], Look],
        centre: Sequence[float] | None = None,
        force: bool = False,
    ) -> None:
        self.key = keys
        self.network = Trained(network, checkpoint)
        self.device = torch.device(device)
        self.inferer = inferer
        self.windowing = windowing
        self.spacing = float(spacing)
        self.least_ml = float(least_ml)
        self.offset = np.asarray(offset, dtype=np.float64)
        self.directions = directions
        self.centre = None if centre is None else np.asarray(centre, dtype=np.float64)
        self.force = bool(force)

    def __call__(self, data: Record) -> Record:
        record = data.copy()
        image = record[self.key]
        affine, shape = np.asarray(image.affine), np.array(image.shape[1:])
        middle = voxel_to_ras((shape - 1) / 2, affine)
        findings = Findings(self.force)
        seen_ml = None
        with timed(record["seconds"], "locate"):
            if self.centre is not None:
                centre = self._given(affine, shape)
            else:
                centre, seen_ml = self.find(image)
                centre = centre + self.offset
        missing = seen_ml is not None and seen_ml < self.least_ml
        if missing:
            centre = middle
        centre = record.get("centre", centre)
        with timed(record["seconds"], "directions"):
            look = self.directions(image, centre)
        if missing:
            turned = (
                f"; {BY_NAME['directions'].phrase.format(confused=look.confused)}" if look.probability > 0.5 else ""
            )
            findings.refuse(
                "no_heart_found",
                f"no heart found: {seen_ml:.0f} mL look like left atrium or ventricle, less than "
                f"{self.least_ml:g} mL; if there is one, set `centre` to its middle, RAS mm{turned}",
            )
        reading = record["reading"].copy()
        reading["warnings"] = {**reading["warnings"], **findings.warnings}
        reading["forced"] = [*reading["forced"], *findings.forced]
        reading["heart"] = {
            "centre_ras_mm": centre.round(1).tolist(),
            "from_middle_mm": round(float(np.linalg.norm(centre - middle)), 1),
            "seen_ml": None if seen_ml is None else round(seen_ml, 1),
        }
        reading["directions"] = {"upright": look.upright, "confused": look.confused}
        record["centre"], record["reading"] = centre, reading
        return record

    def find(self, image: MetaTensor) -> Heart:
        """The heart in an image (1, D0, D1, D2) in HU."""
        shape, affine = covering_grid(image.shape[1:], np.asarray(image.affine), self.spacing)
        coarse = regrid(image.as_tensor(), np.asarray(image.affine), shape, affine, AIR)
        device = self.device if get_worker_info() is None else torch.device("cpu")
        windowed = self.windowing({self.key: coarse})[self.key][None].to(device)
        with torch.inference_mode():
            logits = self.inferer(windowed, self.network(device))
            chambers = 1 - logits.float().softmax(dim=1)[0, 0].cpu()
        where = get_largest_connected_component_mask(chambers > 0.5).nonzero().double().numpy()
        seen_ml = len(where) * self.spacing**3 / 1e3
        if not len(where):
            return Heart(np.full(3, np.nan), seen_ml)
        return Heart(voxel_to_ras(np.quantile(where, (STRAY, 1 - STRAY), axis=0).mean(axis=0), affine), seen_ml)

    def _given(self, affine: np.ndarray, shape: np.ndarray) -> np.ndarray:
        voxel = ras_to_voxel(self.centre, affine)
        if (voxel < 0).any() or (voxel > shape - 1).any():
            middle = ", ".join(f"{value:.0f}" for value in voxel_to_ras((shape - 1) / 2, affine))
            raise InputError(
                f"the given `centre` lies outside the image, whose middle is at ({middle}) RAS mm", "centre_outside"
            )
        return self.centre


class CropAroundd(Transform):
    """Resample an image, once, trilinearly, to an upright crop round the record's `centre`; air outside the image.

    The record also gets `scan`, the image's own voxels in the crop, a copy of their part, so that the image itself can
    be let go of.

    Args:
        keys: the key of the image, MetaTensor (C, D0, D1, D2), affine voxel to RAS mm; becomes (C, *spatial_size)
            float32 whose axes run right, anterior and superior.
        spatial_size: voxels of the crop.
        pixdim: their size, mm.
    """

    def __init__(self, keys: Hashable, spatial_size: Sequence[int], pixdim: Sequence[float]) -> None:
        self.key = keys
        self.spatial_size = tuple(spatial_size)
        self.pixdim = tuple(pixdim)

    def __call__(self, data: Record) -> Record:
        record = data.copy()
        image = record[self.key]
        affine = centred_affine(self.spatial_size, self.pixdim, record.pop("centre"))
        values = regrid(image.as_tensor(), np.asarray(image.affine), self.spatial_size, affine, AIR)
        corners = voxel_to_ras(np.array(list(product(*((0, size - 1) for size in self.spatial_size)))), affine)
        box, place = box_around(corners, image.shape[1:], np.asarray(image.affine))
        record["scan"] = Scan(image.as_tensor()[0][box].cpu().numpy().copy(order="K"), place)
        meta = {key: value for key, value in image.meta.items() if key != MetaKeys.AFFINE}
        record[self.key] = MetaTensor(values, affine=torch.from_numpy(affine), meta=meta)
        return record
