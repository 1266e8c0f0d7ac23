"""How bright each structure is in one scan: contrast phase, Hounsfield units, mixing and texture."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from .structures import Structure as S


class Contrast(StrEnum):
    """Where the contrast medium is when the scan is made."""

    ARTERIAL = "arterial"  # in the left heart; in the right heart as much, less, or still arriving
    FLUSHED = "flushed"  # in the left heart, the right one washed out with saline
    DENSE_RIGHT = "dense_right"  # undiluted in the superior vena cava and the right heart; the left one may still wait
    VENOUS = "venous"  # late: everywhere alike, in the myocardium nearly as much
    NONE = "none"  # not given: blood like muscle


@dataclass(frozen=True)
class Tissues:
    """Look-up tables (256,) float32 over `Structure`, HU: mean, amplitude of incomplete mixing, of filaments of blood
    that has just come in, of fine texture; and the sizes of what is mixed and of the filaments, mm."""

    mean: np.ndarray
    mixing: np.ndarray
    filaments: np.ndarray
    texture: np.ndarray
    mixing_scale: float
    filament_scale: float


@dataclass(frozen=True)
class _Blood:
    """HU of left heart, right heart, superior and inferior vena cava and myocardium."""

    left: float
    right: float
    cava: float
    lower: float
    muscle: float


def _draw_blood(rng: np.random.Generator, contrast: Contrast) -> _Blood:
    u = rng.uniform
    if contrast is Contrast.NONE:
        blood = u(28, 58)
        return _Blood(blood, blood + u(-4, 4), blood + u(-4, 4), blood + u(-4, 4), blood + u(-5, 18))
    if contrast is Contrast.VENOUS:
        left = u(90, 220)
        right = left * u(0.9, 1.1)
        return _Blood(left, right, right * u(0.9, 1.2), right * u(0.8, 1.1), left * u(0.5, 0.95))
    if contrast is Contrast.DENSE_RIGHT:
        left, right = u(100, 600), u(400, 1200)
        return _Blood(left, right, right * u(1.0, 2.5), u(40, 200), u(45, min(165, 0.75 * left)))
    left = u(150, 220) if u() < 0.12 else rng.triangular(180, 340, 700)
    muscle = u(50, min(165, 0.75 * left))
    if contrast is Contrast.FLUSHED:
        right = u(30, 140)
        return _Blood(left, right, right * u(0.8, 1.6), right * u(0.7, 1.5), muscle)
    right = left * u(0.75, 1.15) if u() < 0.5 else u(100, max(left, 200))
    return _Blood(left, right, right * u(0.8, 1.6), u(0.5, 1.0) * min(right, u(60, 220)), muscle)


def draw_tissues(rng: np.random.Generator, contrast: Contrast) -> Tissues:
    """Draw one scan's tissues.

    With contrast the left heart has 150 to 700 HU (late 90 to 220, early from 100), the right heart 30 to 1200, drawn
    independently but for the late phase; without it blood has 28 to 58. Myocardium 45 to 165, in the late phase up to
    its blood; fat -125 to -50; lung -930 to -700; cortex 350 to 1500; liver 40 to 170. The ranges are wider than any
    clinical protocol on purpose: a network trained with fixed HU failed as soon as contrast was halved.
    """
    u = rng.uniform
    blood = _draw_blood(rng, contrast)
    left, right, muscle = blood.left, blood.right, blood.muscle
    skeletal = u(35, 80)
    fat = u(-125, -50)
    lung = u(-930, -700)
    aside = 0.1 if contrast is not Contrast.NONE else 0.01  # how far apart parts of the left heart may be
    lv, la, aorta = left, left * u(1 - aside, 1 + aside), left * u(1 - aside, 1 + aside)
    appendage = la * u(1 - 0.5 * aside, 1 + 0.2 * aside)
    if u() < 0.2:  # stasis
        appendage = muscle + u(0.2, 0.9) * (la - muscle)
    arterial_mix = u()  # of the pulmonary artery between right and left heart
    calcium = u(500, 1300) if u() < 0.8 else u(1300, 3000)  # the latter blooms
    marrow = u(100, 350)
    atrial = right * u(0.85, 1.15)
    jet, plume = atrial + u(0.1, 0.9) * (blood.cava - atrial), atrial + u(0.1, 0.8) * (blood.lower - atrial)
    pulmonary = right + arterial_mix * (left - right)
    liver = u(40, 170)
    mean = {
        S.AIR: -1000, S.LV_BLOOD: lv, S.PAPILLARY_MUSCLE: muscle * u(0.95, 1.15),
        S.LV_TRABECULAE: muscle + u(0.3, 0.9) * (lv - muscle), S.MYOCARDIUM: muscle, S.LA_BLOOD: la,
        S.LA_APPENDAGE: appendage,
        S.LA_VEIN_STUMP: la, S.PULMONARY_VEIN: la * u(0.97, 1.05), S.AORTA: aorta, S.RV_BLOOD: right,
        S.RV_TRABECULAE: muscle + u(0.2, 0.9) * (right - muscle),
        S.RV_WALL: muscle * u(0.9, 1.05), S.RA_BLOOD: atrial,
        S.SUPERIOR_VENA_CAVA: blood.cava, S.INFERIOR_VENA_CAVA: blood.lower,
        S.PULMONARY_ARTERY: pulmonary, S.CORONARY_ARTERY: aorta * u(0.8, 1.0),
        S.CORONARY_SINUS: muscle + u(0, 1) * (left - muscle),
        S.CALCIUM: calcium, S.VESSEL_WALL: u(20, 80),
        S.EPICARDIAL_FAT: fat + u(0, 15), S.PERICARDIUM: u(0, 50), S.OESOPHAGUS: u(20, 65), S.AIRWAY: u(-1000, -950),
        S.LUNG: lung, S.LUNG_VESSEL: min(0.5 * (la + right), 350), S.CORTICAL_BONE: u(350, 1500), S.MARROW: marrow,
        S.DISC: u(60, 120), S.SPINAL_CANAL: u(10, 50), S.CARTILAGE: u(70, 180), S.MUSCLE: skeletal, S.FAT: fat,
        S.LIVER: liver, S.LIVER_VESSEL: liver + u(-20, 60), S.SPLEEN: liver + u(-20, 60), S.STOMACH: u(0, 60),
        S.STOMACH_GAS: -980, S.SKIN: u(0, 60),
        S.MITRAL_LEAFLETS: muscle * u(0.8, 1.2), S.AORTIC_LEAFLETS: muscle * u(0.8, 1.2), S.METAL: u(1800, 3071),
        S.EFFUSION: u(-5, 40), S.ATELECTASIS: u(30, 130), S.CONSOLIDATION: u(-650, 40), S.KIDNEY: u(30, 220),
        S.BOWEL: u(0, 70), S.BOWEL_GAS: -980, S.THYROID: u(80, 220), S.BREAST: u(0, 60), S.TABLE: u(-300, 100),
        S.MITRAL_FUNNEL: la + u(0, 1) * (lv - la), S.AORTIC_ROOT: aorta, S.ASCENDING_AORTA: aorta, S.AORTIC_ARCH: aorta,
        S.PULMONARY_TRUNK: pulmonary, S.RA_APPENDAGE: atrial * u(0.7, 1.05),
        S.RA_TRABECULAE: muscle + u(0.0, 0.7) * (atrial - muscle), S.RA_CAVAL_JET: jet, S.RA_CAVAL_PLUME: plume,
        S.RV_JET: right + u(0.0, 0.8) * (jet - right), S.RV_PAPILLARY_MUSCLE: muscle * u(0.95, 1.2),
        S.RA_WALL: muscle * u(0.85, 1.0),
    }  # fmt: skip
    mean |= {S.TRICUSPID_LEAFLETS: mean[S.MITRAL_LEAFLETS], S.PULMONARY_LEAFLETS: mean[S.AORTIC_LEAFLETS]}
    mean |= {S.LEAD_IN_RA: mean[S.METAL], S.LEAD_IN_RV: mean[S.METAL]}

    unmixed = (u(0.1, 0.6) if contrast is Contrast.DENSE_RIGHT else u(0, 0.35)) * right
    inflow = u(0, 0.3) * right
    layered = (u(0.06, 0.3) if u() < 0.2 else u(0, 0.06)) * max(0.0, left - muscle)  # of the left heart
    mixing = {
        S.RV_BLOOD: unmixed, S.RV_JET: unmixed, S.RV_TRABECULAE: unmixed, S.RA_BLOOD: unmixed + inflow,
        S.RA_CAVAL_JET: unmixed + inflow, S.RA_CAVAL_PLUME: inflow, S.RA_APPENDAGE: unmixed,
        S.SUPERIOR_VENA_CAVA: inflow, S.INFERIOR_VENA_CAVA: 0.4 * inflow,
        S.PULMONARY_ARTERY: 0.3 * unmixed, S.PULMONARY_TRUNK: 0.3 * unmixed,
        S.LV_BLOOD: layered, S.MITRAL_FUNNEL: layered,
        S.LA_BLOOD: u(0, 1) * layered, S.LA_APPENDAGE: u(1, 2) * layered, S.MYOCARDIUM: u(0, 12), S.LUNG: u(5, 40),
        S.LIVER: u(0, 10), S.MARROW: u(10, 60), S.MUSCLE: u(5, 20), S.FAT: u(2, 10), S.STOMACH: u(5, 60),
        S.CARTILAGE: u(10, 60), S.CONSOLIDATION: u(20, 200), S.BOWEL: u(5, 60),
    }  # fmt: skip
    # contrast that comes as filaments: the stronger, the farther cava and heart are apart
    stringy = (u(0.0, 0.35) if u() < 0.6 else 0.0) * (0.3 * right + 0.5 * abs(jet - plume))
    if contrast is Contrast.NONE:
        stringy = 0.0
    filaments = {
        S.RA_BLOOD: stringy,
        S.RA_CAVAL_JET: u(0.2, 1.2) * stringy,
        S.RA_CAVAL_PLUME: u(0.1, 0.6) * stringy,
        S.RV_BLOOD: u(0.2, 0.8) * stringy,
        S.RV_JET: u(0.3, 1.0) * stringy,
        S.RA_APPENDAGE: u(0, 0.6) * stringy,
        S.PULMONARY_TRUNK: u(0, 0.2) * stringy,
        S.RV_TRABECULAE: u(0, 0.4) * stringy,
    }
    texture = {
        S.LV_TRABECULAE: u(0, 0.15) * left, S.RV_TRABECULAE: u(0.05, 0.25) * right, S.RA_TRABECULAE: u(0, 0.15) * right,
        S.RV_BLOOD: u(0, 0.05) * right,
        S.MYOCARDIUM: u(0, 10), S.PAPILLARY_MUSCLE: u(0, 15), S.LUNG: u(10, 50), S.MARROW: u(20, 90),
        S.CORTICAL_BONE: u(20, 150), S.FAT: u(3, 15), S.EPICARDIAL_FAT: u(5, 30), S.MUSCLE: u(8, 30),
        S.LIVER: u(0, 10), S.STOMACH: u(5, 60), S.OESOPHAGUS: u(5, 25), S.CARTILAGE: u(10, 50), S.DISC: u(5, 20),
        S.BREAST: u(5, 40), S.CONSOLIDATION: u(10, 80),
    }  # fmt: skip
    scale = float(np.exp(u(np.log(12), np.log(70))))  # mm, from swirls to a gradient across a chamber
    return Tissues(_table(mean), _table(mixing), _table(filaments), _table(texture), scale, u(3, 10))


def _table(values: dict[S, float]) -> np.ndarray:
    table = np.zeros(256, dtype=np.float32)
    for structure, value in values.items():
        table[int(structure)] = value
    return table
