"""What makes a generated patient: sizes, positions, devices, and how the patient lies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np


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


class Position(StrEnum):
    """On which side the patient lies."""

    SUPINE = "supine"
    PRONE = "prone"
    LEFT = "left side"
    RIGHT = "right side"


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
    mitral_width: float
    mitral_ratio: float
    mitral_saddle: float
    mitral_tilt: float
    mitral_lean: float
    basal_shoulder: float
    vestibule: float
    outflow_angle: float
    curtain: float
    papillary_radius: float
    leaflet_length: float
    leaflet_opening: float
    tenting: float
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
    # left atrium
    la_volume: float
    la_width: float
    la_depth: float
    la_height: float
    la_turn: float
    la_fill: float
    vein_radius: float
    vein_stump: float
    right_veins: float
    left_veins: float
    appendage_form: float
    appendage_length: float
    appendage_radius: float
    # right heart
    rv_volume: float
    rv_flatness: float
    rv_apex: float
    ra_volume: float
    tricuspid_radius: float
    tricuspid_opening: float
    right_appendage: float
    crista: float
    right_trabeculae: float
    # great vessels
    aortic_radius: float
    aortic_tilt: float
    aortic_opening: float
    sinuses: float
    ascending_radius: float
    descending_radius: float
    pulmonary_radius: float
    pulmonary_opening: float
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
    # how the patient lies: turned about the body's axis, nodding, leaning; and on which side
    turn: float
    nod: float
    lean: float
    position: Position
    # situs inversus: everything is painted as its mirror image
    mirrored: bool
    devices: frozenset[Device]
    # set by `draw_patient` so that the painted volumes are the drawn ones
    lv_scale: float = 1.0
    la_scale: float = 1.0
    rv_scale: float = 1.0
    ra_scale: float = 1.0

    @property
    def up(self) -> np.ndarray:
        """Unit vector (3,) against gravity: gas rises along it, fluid sinks."""
        return {
            Position.SUPINE: np.array([0.0, 1.0, 0.0]),
            Position.PRONE: np.array([0.0, -1.0, 0.0]),
            Position.LEFT: np.array([1.0, 0.0, 0.0]),
            Position.RIGHT: np.array([-1.0, 0.0, 0.0]),
        }[self.position]

    @property
    def pose(self) -> np.ndarray:
        """From the upright, unmirrored patient to the scanner (4, 4), RAS mm: first turned about the body's axis, then
        nodding (about the axis from left to right), then leaning; mirrored last."""
        angles = np.radians([self.turn, self.nod, self.lean])
        (a, b, c), (d, e, f) = np.cos(angles), np.sin(angles)
        turn = np.array([[a, -d, 0], [d, a, 0], [0, 0, 1]])
        nod = np.array([[1, 0, 0], [0, b, -e], [0, e, b]])
        lean = np.array([[c, 0, f], [0, 1, 0], [-f, 0, c]])
        pose = np.eye(4)
        pose[:3, :3] = lean @ nod @ turn
        return np.diag([-1.0, 1, 1, 1]) @ pose if self.mirrored else pose
