"""Who the generated patients are: every parameter drawn, by its name, from its range in the adult population."""

from __future__ import annotations

from .population import Arms, Device, Patient, Position
from .streams import Draws

#: How often each device is met; wires come with every prosthetic ring.
DEVICES = {
    Device.PACEMAKER: 0.06, Device.DEFIBRILLATOR: 0.05, Device.CENTRAL_LINE: 0.04, Device.MITRAL_RING: 0.03,
    Device.AORTIC_RING: 0.03, Device.AORTIC_FRAME: 0.03, Device.STENTS: 0.08, Device.STERNAL_WIRES: 0.07,
    Device.ELECTRODES: 0.30,
}  # fmt: skip


def draw_parameters(seed: int) -> Patient:
    """Draw a patient's parameters; scales are not solved yet (see `patient.draw_patient`).

    Args:
        seed: any non-negative integer; the same seed gives the same patient.
    """
    draw = Draws(int(seed))
    u, normal, log_normal, chance = draw.uniform, draw.normal, draw.log_normal, draw.chance
    disease = _draw_disease(draw)
    pulmonary = chance("pulmonary hypertension", 0.12)  # the right heart is overloaded: large, and the septum flat
    lv_volume, la_volume = disease["lv_volume"], log_normal("la_volume", 88, 0.42, 30, 240)
    if chance("giant atrium", 0.05):
        la_volume = u("giant la_volume", 190, 340)
    # right chambers follow the left ones loosely: end-diastolic 1.1 to 1.3 times the left ventricle, and alike in size
    rv_volume = (0.6 * lv_volume + 50) * log_normal("rv_volume", 1.08, 0.16, 0.7, 1.6) * (1.5 if pulmonary else 1.0)
    ra_volume = (0.45 * la_volume + 50) * log_normal("ra_volume", 1.0, 0.22, 0.6, 1.8) * (1.5 if pulmonary else 1.0)
    closed = chance("mitral valve closed", 0.45)  # of two valves of a ventricle at most one is open
    aortic_closed = not closed or chance("aortic valve closed", 0.4)
    scarred = chance("scar", 0.15)
    devices = {device for device, share in DEVICES.items() if chance(f"device {device}", share)}
    if devices & {Device.MITRAL_RING, Device.AORTIC_RING}:
        devices.add(Device.STERNAL_WIRES)
    steep = chance("unusual axis", 0.25)  # hearts that stand or lie
    turned, position = chance("turned", 0.35), _draw_position(draw)
    values = disease | {
        "lv_azimuth": u("unusual lv_azimuth", 12, 76) if steep else normal("lv_azimuth", 50, 11, 16, 74),
        "lv_descent": u("unusual lv_descent", -10, 68) if steep else normal("lv_descent", 28, 13, -6, 62),
        "lv_roll": normal("lv_roll", 5, 13, -25, 35),
        "lv_eccentricity": u("lv_eccentricity", 0.80, 0.95) if pulmonary else u("lv_eccentricity", 0.93, 1.07),
        "mitral_width": normal("mitral_width", 35, 3.2, 28, 46),
        "mitral_ratio": normal("mitral_ratio", 0.79, 0.06, 0.66, 0.94),
        "mitral_saddle": normal("mitral_saddle", 5.0, 1.8, 0.5, 9.0),
        "mitral_tilt": normal("mitral_tilt", 4, 6, -8, 18),
        "mitral_lean": normal("mitral_lean", 0, 4, -10, 10),
        "basal_shoulder": u("basal_shoulder", 1.6, 3.4),
        "vestibule": u("vestibule", 0.0, 0.28),
        "outflow_angle": normal("outflow_angle", 40, 10, 15, 65),
        "curtain": normal("curtain", 8.0, 1.8, 3.0, 13.0),
        "papillary_radius": u("papillary_radius", 2.5, 7.5),
        "leaflet_length": u("leaflet_length", 11, 24),
        "leaflet_opening": 0.0 if closed else u("leaflet_opening", 0.15, 1.0),
        "tenting": u("tenting", 3.0, 12.0),
        "leaflet_thickness": u("leaflet_thickness", 0.6, 1.8),
        "leaflet_calcium": u("leaflet_calcium", 0.3, 1.0) if chance("calcified cusps", 0.2) else 0.0,
        "trabeculae": u("deep trabeculae", 6.0, 12.0) if chance("noncompaction", 0.05) else u("trabeculae", 0.3, 4.5),
        "trabecular_density": u("trabecular_density", -0.1, 0.7),
        "unevenness": u("unevenness", 0.0, 0.16),
        "septal_bulge": u("septal_bulge", 3, 8) if chance("sigmoid septum", 0.15) else 0.0,
        "scar_angle": u("scar_angle", 60, 300),
        "scar_height": u("scar_height", 0.5, 1.0),
        "scar_radius": u("scar_radius", 12, 28),
        "scar_thinning": u("scar_thinning", 0.3, 0.75) if scarred else 0.0,
        "aneurysm": u("aneurysm radius", 10, 22) if scarred and chance("aneurysm", 0.35) else 0.0,
        "la_volume": la_volume,
        "la_width": u("la_width", 1.0, 1.32),
        "la_depth": u("la_depth", 0.50, 0.76),
        "la_height": u("la_height", 0.90, 1.25),
        "la_turn": normal("la_turn", 0, 14, -32, 32),
        "la_fill": u("la_fill", 0.3, 0.8),
        "vein_radius": u("vein_radius", 4.5, 9.5),
        "vein_stump": u("vein_stump", 5, 10),
        "right_veins": u("right_veins", 0, 1),
        "left_veins": u("left_veins", 0, 1),
        "appendage_form": u("appendage_form", 0, 1),
        "appendage_length": u("appendage_length", 24, 56),
        "appendage_radius": u("appendage_radius", 6, 12),
        "rv_volume": rv_volume,
        "rv_flatness": u("rv_flatness", 0.55, 0.8),
        "rv_apex": u("rv_apex", 0.86, 1.02),
        "ra_volume": ra_volume,
        "tricuspid_radius": normal("tricuspid_radius", 17, 2, 13, 22) * (1.12 if pulmonary else 1.0),
        "tricuspid_opening": u("tricuspid_opening", 0.15, 1.0) if not closed else 0.0,
        "right_appendage": u("right_appendage", 0.7, 1.3),
        "crista": u("crista", 1.0, 4.0),
        "right_trabeculae": u("right_trabeculae", 3.0, 10.0),
        "aortic_radius": u("aortic_radius", 9.5, 13.5),
        "aortic_tilt": normal("aortic_tilt", 50, 8, 30, 68),
        "aortic_opening": 0.0 if aortic_closed else u("aortic_opening", 0.35, 0.95),
        "sinuses": u("sinuses", 1.18, 1.5),
        "ascending_radius": log_normal("ascending_radius", 16, 0.16, 12, 27),
        "descending_radius": u("descending_radius", 9.5, 16),
        "pulmonary_radius": u("pulmonary_radius", 15, 20) if pulmonary else u("pulmonary_radius", 11.5, 16.5),
        "pulmonary_opening": 0.0 if aortic_closed else u("pulmonary_opening", 0.35, 0.95),
        "cava_radius": u("cava_radius", 8, 12.5),
        "coronary_radius": u("coronary_radius", 1.1, 2.1),
        "calcification": u("calcification", 0, 1) ** 2,
        "vessel_wall": u("vessel_wall", 1.0, 2.0),
        "fat_thickness": log_normal("fat_thickness", 4.5, 0.6, 0.6, 15),
        "effusion": log_normal("effusion", 6, 0.5, 2, 18) if chance("pericardial effusion", 0.07) else 0.0,
        "sinus_radius": u("sinus_radius", 2.5, 6.5),
        "left_cava": chance("left_cava", 0.02),
        "hernia": u("hernia radius", 12, 34) if chance("hernia", 0.12) else 0.0,
        "spine_gap": u("spine_gap", -6, 18) + (8 if position == Position.PRONE else 0),
        "spine_shift": normal("spine_shift", 0, 9, -22, 22),
        "spine_radius": u("spine_radius", 16, 21),
        "retrosternal": log_normal("retrosternal", 11, 0.6, 2, 45),
        "cage_width": normal("cage_width", 134, 11, 110, 162),
        "cage_shift": normal("cage_shift", 8, 12, -22, 38),
        "chest_muscle": u("chest_muscle", 8, 20),
        "chest_fat": log_normal("chest_fat", 18, 0.5, 5, 50),
        "right_dome": normal("right_dome", 42, 15, 8, 78),
        "left_dome": normal("left_dome", 18, 12, -10, 50),
        "heart_sink": u("heart_sink", -4, 8),
        "rib_period": u("rib_period", 26, 34),
        "oesophagus_radius": u("oesophagus_radius", 5, 9),
        "oesophagus_gas": u("oesophagus_gas", 0, 1),
        "apex_height": u("apex_height", 130, 180),
        "scoliosis": normal("scoliosis", 0, 4, -12, 12),
        "breast": u("breast size", 0.6, 1.3) if chance("breast", 0.45) else 0.0,
        "arms": Arms.DOWN if chance("arms down", 0.3) else Arms.UP,
        "warp": u("warp", 2, 8),
        "turn": u("wide turn", -40, 40) if turned else normal("turn", 0, 5, -15, 15),
        "nod": u("wide nod", -20, 20) if turned else normal("nod", 0, 4, -12, 12),
        "lean": u("wide lean", -20, 20) if turned else normal("lean", 0, 4, -12, 12),
        "position": position,
        "mirrored": chance("mirrored", 0.03),
        "devices": frozenset(devices),
    }
    return Patient(seed=int(seed), **values)


def _draw_disease(draw: Draws) -> dict[str, float]:
    """Volume, form and wall of the left ventricle, which diseases of its muscle change together."""
    u = draw.uniform
    values = {
        "lv_volume": draw.log_normal("lv_volume", 120, 0.38, 45, 270),
        "lv_aspect": u("lv_aspect", 2.8, 4.0),
        "wall": draw.normal("wall", 9.5, 2.0, 6, 16),
        "apex_wall": u("apex_wall", 0.3, 0.8),
    }
    values["septum"] = values["wall"] * u("septum", 0.9, 1.25)
    disease = u("disease", 0, 1)
    if disease < 0.09:  # concentric hypertrophy
        values |= {"lv_volume": max(45.0, 0.75 * values["lv_volume"]), "wall": u("thick wall", 13, 20)}
        values["septum"] = values["wall"] * u("thick septum", 0.95, 1.2)
    elif disease < 0.15:  # asymmetric septal hypertrophy
        values["septum"] = values["wall"] + u("asymmetric septum", 6, 15)
    elif disease < 0.18:  # apical hypertrophy
        values["apex_wall"] = u("thick apex_wall", 1.05, 1.7)
    elif disease < 0.27:  # dilated, thin and round
        values |= {"lv_volume": u("dilated lv_volume", 170, 330), "lv_aspect": u("round lv_aspect", 2.3, 3.0)}
        values["wall"] = u("thin wall", 5, 8.5)
        values["septum"] = values["wall"] * u("thin septum", 0.85, 1.2)
    return values


def _draw_position(draw: Draws) -> Position:
    lies = draw.uniform("position", 0, 1)
    shares = ((0.06, Position.PRONE), (0.09, Position.LEFT), (0.12, Position.RIGHT))
    return next((position for share, position in shares if lies < share), Position.SUPINE)
