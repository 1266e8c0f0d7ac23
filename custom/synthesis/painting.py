"""From a seed to a patient, and from a patient to a structure map on any grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ..frames import centred_affine
from .canvas import Canvas
from .chest import Chest
from .devices import paint_leads, paint_wires
from .distributions import draw_parameters
from .heart import Heart
from .left_heart import paint_left_chambers
from .mediastinum import paint_mediastinum
from .population import Patient
from .shapes import Waves
from .streams import stream
from .structures import Structure, end_aorta, label_map, remove_islands
from .thorax import paint_thorax

CHAMBERS = {"LA": 1, "LV": 2, "RA": 3, "RV": 4}
FOUR_CHAMBERS = (5.0, 15.0, 0.0)  # mm: their middle, seen from that of the left ones


def bending(patient: Patient) -> Waves:
    """Six plane waves, 70 to 170 mm long; `patient.warp` is about the largest displacement in mm."""
    return Waves.draw(stream(patient.seed, "warp"), 6, (70.0, 170.0), patient.warp / 4, channels=3)


def _measure(patient: Patient, spacing: float = 2.75, half: float = 96.0) -> dict[str, float]:
    """Painted volumes of the four chambers in mL on a coarse grid, by their names; the right ones without their
    appendage and without what lies in them."""
    n = int(2 * half / spacing) + 1
    affine = centred_affine((n, n, n), (spacing, spacing, spacing), FOUR_CHAMBERS)
    canvas = Canvas(affine, (n, n, n), bending(patient))
    heart = Heart(patient)
    paint_left_chambers(canvas, heart)
    canvas.fill(Structure.VESSEL_WALL, canvas.sleeve < max(1.8, patient.vessel_wall))
    canvas.paint(Structure.PULMONARY_TRUNK, heart.arteries.pulmonary_trunk)
    canvas.paint(Structure.RV_BLOOD, heart.right.ventricle)
    canvas.paint(Structure.RA_BLOOD, heart.right.atrium)
    counts = torch.bincount(label_map(canvas.structures, CHAMBERS).flatten(), minlength=len(CHAMBERS) + 1)
    return {name: float(counts[value]) * spacing**3 / 1e3 for name, value in CHAMBERS.items()}


def draw_patient(seed: int, iterations: int = 3) -> Patient:
    """Draw a patient from the population.

    Sizes follow from the drawn volumes by formula only roughly (valves, veins, appendage and the warp add and take),
    so the four scales are corrected against the volumes measured on a coarse grid.

    Args:
        seed: non-negative integer; the same seed gives the same patient.
        iterations: corrections of the scales; three bring the painted volumes within some per cent.
    """
    patient = draw_parameters(seed)
    for _ in range(iterations):
        found = _measure(patient)
        scales = {}
        for name in CHAMBERS:
            drawn, scale = getattr(patient, f"{name.lower()}_volume"), f"{name.lower()}_scale"
            scales[scale] = float(getattr(patient, scale) * np.clip(drawn / found[name], 0.5, 2) ** 0.4)
        patient = replace(patient, **scales)
    return patient


def paint(
    patient: Patient,
    affine: np.ndarray,
    shape: tuple[int, int, int],
    device: torch.device | str = "cpu",
    aorta_beyond: float = 0.0,
) -> torch.Tensor:
    """Structure map of a patient on a grid.

    Args:
        patient: see `draw_patient`; its origin is midway between the left atrium's and the left ventricle's centre.
        affine: (4, 4) voxel -> RAS mm; any spacing, rotation or offset.
        shape: (D0, D1, D2) voxels.
        device: where to compute.
        aorta_beyond: mm above the upper level of the atria to which the ascending aorta goes.

    Returns:
        (D0, D1, D2) uint8, values of `Structure`.
    """
    upright = np.linalg.inv(patient.pose) @ affine  # the grid as the upright patient sees it
    canvas, heart = Canvas(upright, shape, bending(patient), device), Heart(patient)
    paint_left_chambers(canvas, heart)
    chest = Chest(heart)
    paint_leads(canvas, heart, chest)
    paint_mediastinum(canvas, heart)
    paint_wires(canvas, heart, chest)
    paint_thorax(canvas, heart, chest)
    return end_aorta(remove_islands(canvas.structures), affine, aorta_beyond)
