"""Who the generated patients are: sizes and positions drawn from ranges of the adult population."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np

from ..chambers import CHAMBERS


class Device(StrEnum):
    """Metal that a patient carries."""

    PACEMAKER = "pacemaker"
    DEFIBRILLATOR = "defibrillator"
    CENTRAL_LINE = "central line"
    MITRAL_RING = "mitral ring"
    AORTIC_RING = "aortic ring"
    AORTIC_FRAME = "aortic frame"
    STENTS = "stents"
    STERNAL_WIRES = "sternal wires"
    ELECTRODES = "electrodes"


class Arms(StrEnum):
    """Where the patient keeps the arms."""

    UP = "up"
    DOWN = "down"


#: How often each device is met; wires come with every prosthetic ring.
DEVICES = {
    Device.PACEMAKER: 0.06, Device.DEFIBRILLATOR: 0.05, Device.CENTRAL_LINE: 0.04, Device.MITRAL_RING: 0.03,
    Device.AORTIC_RING: 0.03, Device.AORTIC_FRAME: 0.03, Device.STENTS: 0.08, Device.STERNAL_WIRES: 0.07,
    Device.ELECTRODES: 0.30,
}  # fmt: skip


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
    WALL = 8
    ATRIUM = 9
    DEVICES = 10
    LUNGS = 11
    BODY = 12
    ABDOMEN = 13


def random_stream(seed: int, stream: Stream) -> np.random.Generator:
    """The generator of one of a seed's streams, at its beginning."""
    return np.random.default_rng([seed, int(stream)])


@dataclass(frozen=True)
class Patient:
    """Parameters of one patient: mm, mL, degrees. Everything else about the anatomy follows from them.

    Sources of the ranges: left ventricular volume by CT, end-diastolic 98 to 144 mL, end-systolic 34 to 61 mL, septum
    10.8 +- 1.8 mm (men) and 9.0 +- 1.7 mm (women): PMC7758747, table 3; upper limits of chamber volumes: Fuchs et al.,
    Eur Heart J Cardiovasc Imaging 2016; left atrial volume 103 +- 30 / 89 +- 21 mL: Hudsmith et al., J Cardiovasc Magn
    Reson 2005, larger in atrial fibrillation. How often veins join or come in threes: Marom et al., Radiology 2004; the
    forms of the appendage: Di Biase et al., J Am Coll Cardiol 2012. Diseases are far commoner here than in any clinic,
    because a network must have met them, not because a patient would have them. The remaining ranges are the usual ones
    of adult cardiac anatomy and were set by eye against clinical images.
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
    leaflet_calcium: float
    trabeculae: float
    trabecular_density: float
    unevenness: float
    septal_bulge: float
    scar_angle: float
    scar_height: float
    scar_radius: float
    scar_thinning: float
    aneurysm: float
    aortic_opening: float
    # left atrium
    la_volume: float
    la_width: float
    la_depth: float
    la_height: float
    la_turn: float
    vein_radius: float
    vein_stump: float
    right_veins: float
    left_veins: float
    appendage_form: float
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
    effusion: float
    sinus_radius: float
    left_cava: bool
    hernia: float
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
    apex_height: float
    scoliosis: float
    breast: float
    arms: Arms
    # smooth bending of everything
    warp: float
    # situs inversus: everything is painted as its mirror image
    mirrored: bool
    devices: frozenset[Device]
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

    def chance(probability: float) -> bool:
        return bool(rng.uniform() < probability)

    lv_volume, lv_aspect = log_normal(120, 0.38, *CHAMBERS["LV"].volume_ml), uniform(2.7, 4.0)
    wall, apex_wall = normal(9.5, 2.0, 6, 16), uniform(0.3, 0.8)
    septum = wall * uniform(0.9, 1.25)
    disease = rng.uniform()
    if disease < 0.09:  # concentric hypertrophy
        lv_volume, wall = max(45.0, 0.75 * lv_volume), uniform(13, 20)
        septum = wall * uniform(0.95, 1.2)
    elif disease < 0.15:  # asymmetric septal hypertrophy
        septum = wall + uniform(6, 15)
    elif disease < 0.18:  # apical hypertrophy
        apex_wall = uniform(1.0, 2.0)
    elif disease < 0.27:  # dilated, thin and round
        lv_volume, lv_aspect, wall = uniform(170, 330), uniform(2.3, 3.0), uniform(5, 8.5)
        septum = wall * uniform(0.85, 1.2)
    scarred, giant = chance(0.15), chance(0.05)
    aneurysm = scarred and chance(0.35)
    pulmonary = chance(0.12)  # the right heart is overloaded: large, and the septum flat
    descending = uniform(9.5, 16)
    devices = {device for device, share in DEVICES.items() if chance(share)}
    if devices & {Device.MITRAL_RING, Device.AORTIC_RING}:
        devices.add(Device.STERNAL_WIRES)
    values = {
        "lv_volume": lv_volume,
        "lv_aspect": lv_aspect,
        "lv_azimuth": normal(50, 12, 14, 80),
        "lv_descent": normal(28, 13, -6, 62),
        "lv_roll": normal(5, 13, -25, 35),
        "lv_eccentricity": uniform(0.80, 0.95) if pulmonary else uniform(0.93, 1.07),
        "wall": wall,
        "septum": septum,
        "apex_wall": apex_wall,
        "mitral_radius": uniform(11.5, 19),
        "mitral_tilt": normal(6, 6, -6, 18),
        "outflow_angle": normal(40, 10, 15, 65),
        "papillary_radius": uniform(2.5, 7.5),
        "leaflet_length": uniform(8, 20),
        "leaflet_opening": uniform(0.1, 0.9),
        "leaflet_thickness": uniform(0.6, 1.8),
        "leaflet_calcium": uniform(0.3, 1.0) if chance(0.2) else 0.0,
        "trabeculae": uniform(6.0, 12.0) if chance(0.05) else uniform(0.3, 4.5),
        "trabecular_density": uniform(-0.1, 0.7),
        "unevenness": uniform(0.0, 0.16),
        "septal_bulge": uniform(3, 8) if chance(0.15) else 0.0,
        "scar_angle": uniform(60, 300),
        "scar_height": uniform(0.5, 1.0),
        "scar_radius": uniform(12, 28),
        "scar_thinning": uniform(0.3, 0.75) if scarred else 0.0,
        "aneurysm": uniform(10, 22) if aneurysm else 0.0,
        "aortic_opening": uniform(0.05, 0.9),
        "la_volume": uniform(190, 340) if giant else log_normal(88, 0.42, *CHAMBERS["LA"].volume_ml),
        "la_width": uniform(1.0, 1.5),
        "la_depth": uniform(0.60, 0.98),
        "la_height": uniform(0.88, 1.28),
        "la_turn": normal(0, 14, -32, 32),
        "vein_radius": uniform(4.5, 9.5),
        "vein_stump": uniform(5, 10),
        "right_veins": uniform(0, 1),
        "left_veins": uniform(0, 1),
        "appendage_form": uniform(0, 1),
        "appendage_length": uniform(24, 56),
        "appendage_radius": uniform(6, 12),
        "rv_size": uniform(1.2, 1.6) if pulmonary else log_normal(1.0, 0.13, 0.75, 1.4),
        "ra_size": uniform(1.2, 1.75) if pulmonary else log_normal(1.0, 0.15, 0.72, 1.5),
        "aortic_radius": uniform(9, 13.5),
        "ascending_radius": log_normal(16, 0.16, 12, 27),
        "descending_radius": descending,
        "pulmonary_radius": uniform(15, 21) if pulmonary else uniform(11, 17),
        "cava_radius": uniform(8, 12.5),
        "coronary_radius": uniform(1.1, 2.1),
        "calcification": uniform(0, 1) ** 2,
        "vessel_wall": uniform(1.0, 2.0),
        "fat_thickness": log_normal(4.5, 0.6, 0.6, 15),
        "effusion": log_normal(6, 0.5, 2, 18) if chance(0.07) else 0.0,
        "sinus_radius": uniform(2.5, 6.5),
        "left_cava": chance(0.02),
        "hernia": uniform(12, 34) if chance(0.12) else 0.0,
        "spine_gap": uniform(-6, 18),
        "spine_shift": normal(0, 9, -22, 22),
        "spine_radius": uniform(16, 21),
        "retrosternal": log_normal(11, 0.6, 2, 45),
        "cage_width": normal(134, 11, 110, 162),
        "cage_shift": normal(8, 12, -22, 38),
        "chest_muscle": uniform(8, 20),
        "chest_fat": log_normal(18, 0.5, 5, 50),
        "right_dome": normal(28, 15, 0, 65),
        "left_dome": normal(8, 12, -18, 42),
        "heart_sink": uniform(-4, 22),
        "rib_period": uniform(26, 34),
        "oesophagus_radius": uniform(5, 9),
        "oesophagus_gas": uniform(0, 1),
        "apex_height": uniform(130, 180),
        "scoliosis": normal(0, 4, -12, 12),
        "breast": uniform(0.6, 1.3) if chance(0.45) else 0.0,
        "arms": Arms.DOWN if chance(0.3) else Arms.UP,
        "warp": uniform(2, 8),
        "mirrored": chance(0.01),
        "devices": frozenset(devices),
    }
    return Patient(seed=int(seed), **values)
