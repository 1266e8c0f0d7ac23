"""What a generated patient is made of, and which of it belongs to the chamber labels."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

import numpy as np
import torch
from scipy import ndimage

from ..chambers import LABELS, LEFT_HEART
from ..frames import UP, voxels_along


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
    AORTA = 9  # descending, and branches of the arch
    RV_BLOOD = 10
    RV_TRABECULAE = 11
    RV_WALL = 12
    RA_BLOOD = 13
    SUPERIOR_VENA_CAVA = 14
    INFERIOR_VENA_CAVA = 15
    PULMONARY_ARTERY = 16  # beyond the bifurcation
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
    MITRAL_FUNNEL = 52  # blood between the annulus and closed leaflets
    AORTIC_ROOT = 53
    ASCENDING_AORTA = 54  # to the upper level of the atria
    AORTIC_ARCH = 55
    PULMONARY_TRUNK = 56  # from the valve to the bifurcation
    RA_APPENDAGE = 57
    RA_TRABECULAE = 58  # with the crista
    RA_CAVAL_JET = 59  # blood of the superior cava that has just come into the right atrium
    RA_CAVAL_PLUME = 60  # of the inferior cava and the coronary sinus
    RV_JET = 61  # what of the jet reaches the right ventricle
    RV_PAPILLARY_MUSCLE = 62  # with the moderator band
    TRICUSPID_LEAFLETS = 63
    PULMONARY_LEAFLETS = 64
    LEAD_IN_RA = 65
    LEAD_IN_RV = 66
    RA_WALL = 67


LEFT_ATRIUM, LEFT_VENTRICLE = LABELS["LA"], LABELS["LV"]

LABELLED: dict[str, tuple[Structure, ...]] = {
    "LA": (Structure.LA_BLOOD, Structure.LA_APPENDAGE, Structure.LA_VEIN_STUMP),
    "LV": (
        Structure.LV_BLOOD, Structure.PAPILLARY_MUSCLE, Structure.LV_TRABECULAE, Structure.MITRAL_LEAFLETS,
        Structure.MITRAL_FUNNEL,
    ),
    "MYO": (Structure.MYOCARDIUM,),
    "RA": (
        Structure.RA_BLOOD, Structure.RA_APPENDAGE, Structure.RA_TRABECULAE, Structure.RA_CAVAL_JET,
        Structure.RA_CAVAL_PLUME, Structure.LEAD_IN_RA,
    ),
    "RV": (
        Structure.RV_BLOOD, Structure.RV_TRABECULAE, Structure.RV_JET, Structure.RV_PAPILLARY_MUSCLE,
        Structure.TRICUSPID_LEAFLETS, Structure.LEAD_IN_RV,
    ),
    "AO": (Structure.AORTIC_ROOT, Structure.ASCENDING_AORTA, Structure.AORTIC_LEAFLETS),
    "PA": (Structure.PULMONARY_TRUNK, Structure.PULMONARY_LEAFLETS),
}  # fmt: skip
"""The convention. LA: body, appendage, and the pulmonary veins within a few millimetres (`Patient.vein_stump`, 5 to
10 mm) of the body. LV: everything inside the smooth endocardial contour, so papillary muscles, trabeculae and mitral
leaflets count; it ends at the aortic annulus. Both meet on the surface that spans the mitral annulus from hinge to
hinge. Myocardium: the left ventricle's. RA, with its appendage, and RV likewise, RA to the cavae, RV to the pulmonary
annulus. Ascending aorta: from the aortic annulus to the upper level of the atria. Pulmonary artery: from its annulus to
the bifurcation. What MM-WHS leaves open is settled so: cusps belong to the vessel behind them, leads to the chamber
they lie in, calcium and prosthetic rings to nothing."""

LEFT_HEART_LABELS = {name: LABELS[name] for name in LEFT_HEART}

MM_WHS = {
    "MYO": 205, "LA": 420, "LV": 500, "RA": 550, "RV": 600, "AO": 820, "PA": 850,
}  # fmt: skip
"""Values of the MM-WHS challenge (Zhuang et al., Med Image Anal 2019)."""


def label_map(structures: torch.Tensor, values: Mapping[str, int], closed_leaflets: bool = False) -> torch.Tensor:
    """Label map of a structure map.

    Args:
        structures: any shape, uint8, values of `Structure`.
        values: of what is labelled, by names of `LABELLED`; the rest is 0.
        closed_leaflets: the atrium reaches down to closed mitral leaflets, instead of ending at their hinges.

    Returns:
        The same shape: uint8, or int16 where a value needs it.
    """
    dtype = torch.uint8 if max(values.values()) < 256 else torch.int16
    table = torch.zeros(256, dtype=dtype, device=structures.device)
    for name, value in values.items():
        table[[int(structure) for structure in LABELLED[name]]] = value
    if closed_leaflets:
        table[int(Structure.MITRAL_FUNNEL)] = values.get("LA", 0)
    return table[structures.int()]


def chamber_labels(structures: torch.Tensor) -> torch.Tensor:
    """Label map, uint8, of a structure map of any shape: 0 background, 1 left atrium, 2 left ventricle."""
    return label_map(structures, LEFT_HEART_LABELS)


def end_aorta(structures: torch.Tensor, affine: np.ndarray, beyond: float = 0.0) -> torch.Tensor:
    """Let the ascending aorta end at the upper level of the atria, whatever the patient's pose; the arch begins there.

    What comes down again behind, in a patient who lies askew, is not of it. Without an atrium in the map nothing
    changes.

    Args:
        structures: (D0, D1, D2) uint8 structure map.
        affine: (4, 4) voxel -> RAS mm of the scan, in which up is up.
        beyond: mm above that level.

    Returns:
        The corrected map, same shape, type and device.
    """
    height = torch.from_numpy(voxels_along(UP, structures.shape, affine)).to(structures.device)
    atria = label_map(structures, {"LA": 1, "RA": 1}).bool()
    if not atria.any():
        return structures
    aorta = (structures == Structure.ASCENDING_AORTA) | (structures == Structure.AORTIC_ARCH)
    below = height <= height[atria].max() + beyond
    root = structures == Structure.AORTIC_ROOT
    pieces, _ = ndimage.label(((aorta & below) | root).cpu().numpy())
    rising = torch.from_numpy(np.isin(pieces, np.unique(pieces[root.cpu().numpy()]))).to(structures.device) & aorta
    structures = structures.masked_fill(rising, int(Structure.ASCENDING_AORTA))
    return structures.masked_fill(aorta & ~rising, int(Structure.AORTIC_ARCH))


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
