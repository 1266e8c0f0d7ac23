"""Who the generated patients are: sizes and positions drawn from ranges of the adult population."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from ..chambers import VOLUMES_ML


class Stream(IntEnum):
    """Independent random streams of one seed, so that a change in one part leaves the others as they were."""

    PARAMETERS = 0
    VEINS = 1
    APPENDAGE = 2
    LEFT_HEART = 3
    MEDIASTINUM = 4
    THORAX = 5
    WARP = 6
    CASE = 7


def random_stream(seed: int, stream: Stream) -> np.random.Generator:
    """The generator of one of a seed's streams, at its beginning."""
    return np.random.default_rng([seed, int(stream)])


@dataclass(frozen=True)
class Patient:
    """Parameters of one patient: mm, mL, degrees. Everything else about the anatomy follows from them.

    Sources of the ranges: left ventricular volume by CT, end-diastolic 98 to 144 mL, end-systolic 34 to 61 mL, septum
    10.8 +- 1.8 mm (men) and 9.0 +- 1.7 mm (women): PMC7758747, table 3; upper limits of chamber volumes: Fuchs et al.,
    Eur Heart J Cardiovasc Imaging 2016; left atrial volume 103 +- 30 / 89 +- 21 mL: Hudsmith et al., J Cardiovasc Magn
    Reson 2005, larger in atrial fibrillation. The remaining ranges are the usual ones of adult cardiac anatomy and were
    set by eye against clinical images.
    """

    seed: int
    # left ventricle
    lv_volume: float
    lv_aspect: float
    lv_azimuth: float
    lv_descent: float
    lv_roll: float
    lv_eccentricity: float
    wall: float
    septum: float
    apex_wall: float
    mitral_radius: float
    mitral_tilt: float
    outflow_angle: float
    papillary_radius: float
    leaflet_length: float
    leaflet_opening: float
    leaflet_thickness: float
    trabeculae: float
    # left atrium
    la_volume: float
    la_width: float
    la_depth: float
    la_height: float
    la_turn: float
    vein_radius: float
    vein_stump: float
    common_trunk: float
    appendage_length: float
    appendage_radius: float
    # right heart and vessels
    rv_size: float
    ra_size: float
    aortic_radius: float
    ascending_radius: float
    descending_radius: float
    pulmonary_radius: float
    cava_radius: float
    coronary_radius: float
    calcification: float
    vessel_wall: float
    fat_thickness: float
    # chest
    spine_gap: float
    spine_shift: float
    spine_radius: float
    retrosternal: float
    cage_width: float
    cage_shift: float
    chest_muscle: float
    chest_fat: float
    right_dome: float
    left_dome: float
    heart_sink: float
    rib_period: float
    oesophagus_radius: float
    oesophagus_gas: float
    # smooth bending of everything
    warp: float
    # set by `draw_patient` so that the painted volumes are the drawn ones
    lv_scale: float = 1.0
    la_scale: float = 1.0


def draw_parameters(seed: int) -> Patient:
    """Draw a patient's parameters; scales are not solved yet (see `patient.draw_patient`).

    Args:
        seed: any non-negative integer; the same seed gives the same patient.
    """
    rng = random_stream(seed, Stream.PARAMETERS)

    def uniform(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    def normal(mean: float, sd: float, low: float, high: float) -> float:
        return float(np.clip(rng.normal(mean, sd), low, high))

    def log_normal(median: float, sigma: float, low: float, high: float) -> float:
        return float(np.clip(median * np.exp(sigma * rng.normal()), low, high))

    lv_volume = log_normal(120, 0.38, *VOLUMES_ML["LV"])
    wall = normal(9.5, 2.0, 6, 16)
    descending = uniform(9.5, 15)
    values = {
        "lv_volume": lv_volume,
        "lv_aspect": uniform(2.9, 4.0),
        "lv_azimuth": normal(50, 9, 28, 70),
        "lv_descent": normal(28, 10, 5, 52),
        "lv_roll": normal(5, 10, -15, 28),
        "lv_eccentricity": uniform(0.94, 1.06),
        "wall": wall,
        "septum": wall * uniform(0.9, 1.25),
        "apex_wall": uniform(0.3, 0.75),
        "mitral_radius": uniform(12, 17),
        "mitral_tilt": normal(6, 6, -6, 18),
        "outflow_angle": normal(40, 9, 20, 60),
        "papillary_radius": uniform(3.0, 6.5),
        "leaflet_length": uniform(8, 20),
        "leaflet_opening": uniform(0.1, 0.9),
        "leaflet_thickness": uniform(0.6, 1.8),
        "trabeculae": uniform(0.5, 4.0),
        "la_volume": log_normal(88, 0.40, *VOLUMES_ML["LA"]),
        "la_width": uniform(1.10, 1.45),
        "la_depth": uniform(0.70, 0.92),
        "la_height": uniform(0.92, 1.22),
        "la_turn": normal(0, 12, -25, 25),
        "vein_radius": uniform(5.0, 8.5),
        "vein_stump": uniform(5, 10),
        "common_trunk": uniform(0, 1),
        "appendage_length": uniform(26, 50),
        "appendage_radius": uniform(6.5, 11),
        "rv_size": log_normal(1.0, 0.12, 0.8, 1.35),
        "ra_size": log_normal(1.0, 0.14, 0.75, 1.45),
        "aortic_radius": uniform(9, 12.5),
        "ascending_radius": uniform(12.5, 20),
        "descending_radius": descending,
        "pulmonary_radius": uniform(11.5, 17),
        "cava_radius": uniform(8, 12.5),
        "coronary_radius": uniform(1.1, 2.1),
        "calcification": uniform(0, 1) ** 2,
        "vessel_wall": uniform(1.0, 2.0),
        "fat_thickness": log_normal(4.5, 0.5, 1.0, 12),
        "spine_gap": uniform(3, 16),
        "spine_shift": normal(0, 6, -12, 12),
        "spine_radius": uniform(16, 21),
        "retrosternal": uniform(4, 22),
        "cage_width": normal(128, 10, 105, 150),
        "cage_shift": normal(8, 8, -10, 25),
        "chest_muscle": uniform(8, 20),
        "chest_fat": log_normal(18, 0.5, 5, 50),
        "right_dome": normal(24, 12, 0, 50),
        "left_dome": normal(4, 10, -18, 28),
        "heart_sink": uniform(4, 20),
        "rib_period": uniform(26, 34),
        "oesophagus_radius": uniform(5, 9),
        "oesophagus_gas": uniform(0, 1),
        "warp": uniform(2, 7),
    }
    return Patient(seed=int(seed), **values)
