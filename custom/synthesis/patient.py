"""From a seed to a patient, and from a patient to a structure map on any grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ..frames import centred_affine
from .canvas import Canvas
from .chest import Chest
from .devices import paint_leads, paint_wires
from .heart import Heart
from .left_heart import paint_left_chambers
from .mediastinum import paint_mediastinum
from .population import Patient, Stream, draw_parameters, random_stream
from .shapes import Waves
from .structures import LEFT_ATRIUM, LEFT_VENTRICLE, chamber_labels, remove_islands
from .thorax import paint_thorax


def _warp(patient: Patient) -> Waves:
    """Six plane waves, 70 to 170 mm long; `patient.warp` is about the largest displacement in mm."""
    return Waves.draw(random_stream(patient.seed, Stream.WARP), 6, (70.0, 170.0), patient.warp / 4, channels=3)


def _measure(patient: Patient, spacing: float = 2.5, half: float = 90.0) -> tuple[float, float]:
    """Painted volumes of left ventricle and left atrium in mL on a coarse grid."""
    n = int(2 * half / spacing) + 1
    canvas = Canvas(centred_affine((n, n, n), (spacing, spacing, spacing)), (n, n, n), _warp(patient))
    paint_left_chambers(canvas, Heart(patient))
    counts = torch.bincount(chamber_labels(canvas.structures).flatten(), minlength=3)
    return tuple(float(counts[k]) * spacing**3 / 1e3 for k in (LEFT_VENTRICLE, LEFT_ATRIUM))


def draw_patient(seed: int, iterations: int = 3) -> Patient:
    """Draw a patient from the population.

    Sizes follow from the drawn volumes by formula only roughly (valves, veins, appendage and the warp add and take),
    so the two scales are corrected against the volumes measured on a coarse grid.

    Args:
        seed: non-negative integer; the same seed gives the same patient.
        iterations: corrections of the scales; three bring the painted volumes within some per cent.
    """
    patient = draw_parameters(seed)
    for _ in range(iterations):
        lv, la = _measure(patient)
        patient = replace(
            patient,
            lv_scale=float(patient.lv_scale * np.clip(patient.lv_volume / lv, 0.5, 2) ** (1 / 3)),
            la_scale=float(patient.la_scale * np.clip(patient.la_volume / la, 0.5, 2) ** (1 / 3)),
        )
    return patient


def paint(
    patient: Patient, affine: np.ndarray, shape: tuple[int, int, int], device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Structure map of a patient on a grid.

    Args:
        patient: see `draw_patient`; its origin is midway between the left atrium's and the left ventricle's centre.
        affine: (4, 4) voxel -> RAS mm of the patient; any spacing, rotation or offset.
        shape: (D0, D1, D2) voxels.
        device: where to compute.

    Returns:
        (D0, D1, D2) uint8, values of `Structure`.
    """
    if patient.mirrored:
        affine = np.diag([-1.0, 1.0, 1.0, 1.0]) @ affine  # the mirrored grid in the upright patient
    canvas, heart = Canvas(affine, shape, _warp(patient), device), Heart(patient)
    paint_left_chambers(canvas, heart)
    chest = Chest(heart)
    paint_leads(canvas, heart, chest)
    paint_mediastinum(canvas, heart)
    paint_wires(canvas, heart, chest)
    paint_thorax(canvas, heart, chest)
    return remove_islands(canvas.structures)
