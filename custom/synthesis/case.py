"""One whole generated case: a scan as it might come from a hospital, its labels and its true volumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..chambers import LABELS
from ..frames import centred_affine
from .patient import draw_patient, paint
from .population import Stream, random_stream
from .scanner import scan
from .structures import chamber_labels


@dataclass(frozen=True)
class Case:
    """image (D0, D1, D2) int16 HU, labels (D0, D1, D2) uint8 (1 = LA, 2 = LV), affine (4, 4) voxel -> RAS mm, and the
    chambers' volumes in mL by counting the voxels of this grid."""

    image: np.ndarray
    labels: np.ndarray
    affine: np.ndarray
    volumes_ml: dict[str, float]


def generate_case(
    seed: int,
    shape: Sequence[int] = (256, 256, 180),
    spacing: Sequence[float] = (0.8, 0.8, 1.0),
    offset: float = 10.0,
    device: torch.device | str = "cpu",
) -> Case:
    """Generate a patient and scan it.

    Args:
        seed: decides patient, position and scan; the same seed gives the same case on the CPU.
        shape: voxels along right, anterior, superior.
        spacing: voxel size in mm; 256 x 0.8 mm by 180 x 1 mm is the field of view of a cardiac CT.
        offset: the heart's centre lies within this many mm of the grid's middle, along every axis.
        device: where to compute.
    """
    rng = random_stream(seed, Stream.CASE)
    affine = centred_affine(shape, spacing, rng.uniform(-offset, offset, 3))
    structures = paint(draw_patient(seed), affine, tuple(shape), device)
    generator = torch.Generator(device).manual_seed(int(rng.integers(2**62)))
    image = scan(structures, spacing, generator).round().to(torch.int16).cpu().numpy()
    labels = chamber_labels(structures).cpu().numpy()
    voxel = float(np.prod(spacing)) / 1e3
    volumes = {name: float((labels == label).sum() * voxel) for name, label in LABELS.items()}
    return Case(image, labels, affine, volumes)
