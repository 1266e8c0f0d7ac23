"""What a generated patient is made of, and which of it belongs to the chamber labels."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import torch
from scipy import ndimage

from ..chambers import LABELS


class Structure(IntEnum):
    """Values of a structure map (uint8)."""

    AIR = 0
    LV_BLOOD = 1
    PAPILLARY_MUSCLE = 2
    LV_TRABECULAE = 3
    MYOCARDIUM = 4
    LA_BLOOD = 5
    LA_APPENDAGE = 6
    LA_VEIN_STUMP = 7
    PULMONARY_VEIN = 8
    AORTA = 9
    RV_BLOOD = 10
    RV_TRABECULAE = 11
    RV_WALL = 12
    RA_BLOOD = 13
    SUPERIOR_VENA_CAVA = 14
    INFERIOR_VENA_CAVA = 15
    PULMONARY_ARTERY = 16
    CORONARY_ARTERY = 17
    CORONARY_SINUS = 18
    CALCIUM = 19
    VESSEL_WALL = 20
    EPICARDIAL_FAT = 21
    PERICARDIUM = 22
    OESOPHAGUS = 23
    AIRWAY = 24
    LUNG = 25
    LUNG_VESSEL = 26
    CORTICAL_BONE = 27
    MARROW = 28
    DISC = 29
    SPINAL_CANAL = 30
    CARTILAGE = 31
    MUSCLE = 32
    FAT = 33
    LIVER = 34
    LIVER_VESSEL = 35
    SPLEEN = 36
    STOMACH = 37
    STOMACH_GAS = 38
    SKIN = 39
    MITRAL_LEAFLETS = 40
    METAL = 41  # leads, wires, stents, frames of prosthetic valves
    AORTIC_LEAFLETS = 42
    EFFUSION = 43  # pericardial or pleural fluid
    ATELECTASIS = 44  # lung without air, well perfused
    CONSOLIDATION = 45  # lung filled with fluid, patchy
    KIDNEY = 46
    BOWEL = 47
    BOWEL_GAS = 48
    THYROID = 49
    BREAST = 50  # glandular tissue
    TABLE = 51  # the couch's carbon shell


LEFT_ATRIUM, LEFT_VENTRICLE = LABELS["LA"], LABELS["LV"]

#: The convention. LA: body, appendage, and the pulmonary veins within a few millimetres (`Patient.vein_stump`, 5 to
#: 10 mm) of the body; it ends at the mitral plane. LV: everything inside the smooth endocardial contour, so papillary
#: muscles, trabeculae and the mitral leaflets count; it ends at the mitral plane and at the aortic annulus.
CHAMBER_LABELS: dict[Structure, int] = {
    Structure.LA_BLOOD: LEFT_ATRIUM,
    Structure.LA_APPENDAGE: LEFT_ATRIUM,
    Structure.LA_VEIN_STUMP: LEFT_ATRIUM,
    Structure.LV_BLOOD: LEFT_VENTRICLE,
    Structure.PAPILLARY_MUSCLE: LEFT_VENTRICLE,
    Structure.LV_TRABECULAE: LEFT_VENTRICLE,
    Structure.MITRAL_LEAFLETS: LEFT_VENTRICLE,
}


def chamber_labels(structures: torch.Tensor) -> torch.Tensor:
    """Label map of a structure map.

    Args:
        structures: any shape, uint8, values of `Structure`.

    Returns:
        The same shape, uint8: 0 background, 1 left atrium, 2 left ventricle.
    """
    table = torch.zeros(256, dtype=torch.uint8, device=structures.device)
    for structure, label in CHAMBER_LABELS.items():
        table[int(structure)] = label
    return table[structures.long()]


def remove_islands(structures: torch.Tensor) -> torch.Tensor:
    """Give the pieces of a chamber that hang on to nothing back to its surroundings.

    Where the grid is coarse, a thin neck (of the appendage, say) can fall between the voxels. Every 6-connected piece
    of a chamber label but the largest becomes pulmonary vein (left atrium) or myocardium (left ventricle).

    Args:
        structures: (D0, D1, D2) uint8 structure map.

    Returns:
        The corrected map, same shape, type and device.
    """
    labels = chamber_labels(structures).cpu().numpy()
    result = structures.clone()
    for label, substitute in ((LEFT_ATRIUM, Structure.PULMONARY_VEIN), (LEFT_VENTRICLE, Structure.MYOCARDIUM)):
        pieces, count = ndimage.label(labels == label)
        if count > 1:
            sizes = np.bincount(pieces.ravel())
            sizes[0] = 0
            islands = (pieces > 0) & (pieces != sizes.argmax())
            result[torch.from_numpy(islands).to(structures.device)] = int(substitute)
    return result
