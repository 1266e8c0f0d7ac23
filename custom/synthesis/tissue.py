"""How bright each structure is in one scan: contrast phase, Hounsfield units, mixing and texture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .structures import Structure as S


@dataclass(frozen=True)
class Tissues:
    """Look-up tables (256,) float32 over `Structure`, HU: mean, amplitude of incomplete mixing, of fine texture."""

    mean: np.ndarray
    mixing: np.ndarray
    texture: np.ndarray


def _right_heart(rng: np.random.Generator, left: float) -> float:
    """Contrast in the right heart: like the left, washed out by saline, in between, or still arriving."""
    phase = rng.integers(4)
    if phase == 0:
        return float(left * rng.uniform(0.75, 1.15))
    if phase == 1:
        return float(rng.uniform(30, 150))
    if phase == 2:
        return float(rng.uniform(100, max(left, 200)))
    return float(rng.uniform(300, 900))


def draw_tissues(rng: np.random.Generator) -> Tissues:
    """Draw one scan's tissues.

    Left heart 200 to 600 HU, in 12 % of scans 140 to 220; right heart 30 to 900, drawn independently; myocardium 50 to
    165; fat -125 to -50; lung -930 to -700; cortex 350 to 1500; liver 40 to 170. The ranges are wider than any clinical
    protocol on purpose: a network trained with fixed HU failed as soon as contrast was halved.
    """
    u = rng.uniform
    left = u(140, 220) if u() < 0.12 else u(200, 600)
    right = _right_heart(rng, left)
    muscle = u(50, min(165, 0.75 * left))
    skeletal = u(35, 80)
    fat = u(-125, -50)
    lung = u(-930, -700)
    lv, la, aorta = left, left * u(0.90, 1.12), left * u(0.88, 1.08)
    arterial_mix = u()  # of the pulmonary artery between right and left heart
    marrow = u(100, 350)
    liver = u(40, 170)
    mean = {
        S.AIR: -1000, S.LV_BLOOD: lv, S.PAPILLARY_MUSCLE: muscle * u(0.95, 1.15), S.LV_TRABECULAE: u(0.3, 0.9),
        S.MYOCARDIUM: muscle, S.LA_BLOOD: la, S.LA_APPENDAGE: la * (u(0.4, 0.9) if u() < 0.2 else u(0.93, 1.02)),
        S.LA_VEIN_STUMP: la, S.PULMONARY_VEIN: la * u(0.97, 1.05), S.AORTA: aorta, S.RV_BLOOD: right,
        S.RV_WALL: muscle * u(0.9, 1.05), S.RA_BLOOD: right * u(0.85, 1.15),
        S.SUPERIOR_VENA_CAVA: right * u(0.8, 1.6), S.INFERIOR_VENA_CAVA: u(40, 180),
        S.PULMONARY_ARTERY: right + arterial_mix * (left - right), S.CORONARY_ARTERY: aorta * u(0.8, 1.0),
        S.CORONARY_SINUS: u(0.4, 1.0) * left, S.CALCIUM: u(500, 1300), S.VESSEL_WALL: u(20, 80),
        S.EPICARDIAL_FAT: fat + u(0, 15), S.PERICARDIUM: u(0, 50), S.OESOPHAGUS: u(20, 65), S.AIRWAY: u(-1000, -950),
        S.LUNG: lung, S.LUNG_VESSEL: 0.5 * (la + right), S.CORTICAL_BONE: u(350, 1500), S.MARROW: marrow,
        S.DISC: u(60, 120), S.SPINAL_CANAL: u(10, 50), S.CARTILAGE: u(70, 180), S.MUSCLE: skeletal, S.FAT: fat,
        S.LIVER: liver, S.LIVER_VESSEL: liver + u(-20, 60), S.SPLEEN: liver + u(-20, 60), S.STOMACH: u(0, 60),
        S.STOMACH_GAS: -980, S.SKIN: u(0, 60),
        S.MITRAL_LEAFLETS: muscle * u(0.8, 1.2), S.AORTIC_LEAFLETS: muscle * u(0.8, 1.2), S.METAL: u(1800, 3071),
        S.EFFUSION: u(-5, 40), S.ATELECTASIS: u(30, 130), S.CONSOLIDATION: u(-650, 40), S.KIDNEY: u(30, 220),
        S.BOWEL: u(0, 70), S.BOWEL_GAS: -980, S.THYROID: u(80, 220), S.BREAST: u(0, 60), S.TABLE: u(-300, 100),
    }  # fmt: skip
    mean[S.LV_TRABECULAE] = muscle + mean[S.LV_TRABECULAE] * (lv - muscle)
    mean[S.RV_TRABECULAE] = muscle + u(0.2, 0.9) * (right - muscle)
    mean[S.LUNG_VESSEL] = min(mean[S.LUNG_VESSEL], 350)

    unmixed = u(0, 0.35) * right
    inflow = u(0, 0.3) * right
    mixing = {
        S.RV_BLOOD: unmixed, S.RV_TRABECULAE: unmixed, S.RA_BLOOD: unmixed + inflow, S.SUPERIOR_VENA_CAVA: inflow,
        S.INFERIOR_VENA_CAVA: 0.4 * inflow, S.PULMONARY_ARTERY: 0.3 * unmixed, S.LV_BLOOD: u(0, 0.06) * left,
        S.LA_BLOOD: u(0, 0.06) * left, S.LA_APPENDAGE: u(0, 0.12) * left, S.MYOCARDIUM: u(0, 12), S.LUNG: u(5, 40),
        S.LIVER: u(0, 10), S.MARROW: u(10, 60), S.MUSCLE: u(5, 20), S.FAT: u(2, 10), S.STOMACH: u(5, 60),
        S.CARTILAGE: u(10, 60),
    }  # fmt: skip
    texture = {
        S.LV_TRABECULAE: u(0, 0.15) * left, S.RV_TRABECULAE: u(0.05, 0.25) * right, S.RV_BLOOD: u(0, 0.05) * right,
        S.MYOCARDIUM: u(0, 10), S.PAPILLARY_MUSCLE: u(0, 15), S.LUNG: u(10, 50), S.MARROW: u(20, 90),
        S.CORTICAL_BONE: u(20, 150), S.FAT: u(3, 15), S.EPICARDIAL_FAT: u(5, 30), S.MUSCLE: u(8, 30),
        S.LIVER: u(0, 10), S.STOMACH: u(5, 60), S.OESOPHAGUS: u(5, 25), S.CARTILAGE: u(10, 50), S.DISC: u(5, 20),
    }  # fmt: skip
    return Tissues(*(_table(values) for values in (mean, mixing, texture)))


def _table(values: dict[S, float]) -> np.ndarray:
    table = np.zeros(256, dtype=np.float32)
    for structure, value in values.items():
        table[int(structure)] = value
    return table
