"""What tests of the page share: two ellipsoids in a CT, and verdicts on them."""

from __future__ import annotations

import numpy as np

from custom.mesh import Mesh
from custom.template import icosphere

SHAPE, SPACING, CENTRE = (64, 60, 56), 2.0, (10.0, -20.0, 850.0)
PLACES = {"LA": ((18.0, -28.0, 868.0), (22.0, 18.0, 20.0)), "LV": ((-8.0, -8.0, 838.0), (24.0, 22.0, 30.0))}
"""Centre and radii of each ellipsoid, RAS mm."""
OK = {"doubts": {}, "doubt": 0.1, "trust": "ok"}
CHECK = {"doubts": {"missed": 0.4}, "doubt": 0.4, "trust": "check", "missed_ml": 3.0}
REJECTED = {"doubts": {"no_contrast": 1.0}, "doubt": 1.0, "trust": "do not use", "blood_hu": 45, "surroundings_hu": 40}
TURNED = {
    "doubts": {"implausible_volume": 1.0, "directions": 0.9, "forced": 0.5},
    "doubt": 1.0,
    "trust": "do not use",
    "confused": "right and left",
}

SCALES = (1.0, 0.9, 0.8, 0.95)
"""Of the ellipsoids in the phases of a beat."""
BEAT = {
    "percent": [0.0, 25.0, 50.0, 75.0],
    "curves": {
        "LA": {"volume_ml": [30.0, 40.0, 45.0, 35.0], "trust": ["ok"] * 4},
        "LV": {"volume_ml": [100.0, 80.0, 50.0, 90.0], "trust": ["ok", "ok", "check", "do not use"]},
    },
    "measures": {
        "LV_end_diastolic_volume": {"value": 100.0, "unit": "mL", "percent": 0.0, "trust": "ok", "reason": None},
        "LV_end_systolic_volume": {"value": 50.0, "unit": "mL", "percent": 50.0, "trust": "check", "reason": None},
        "LV_ejection_fraction": {"value": 0.5, "unit": "1", "percent": None, "trust": "check", "reason": None},
    },
}
"""A report's function."""
_RIM = [[6.0 + 12 * np.cos(angle), -18.0, 853.0 + 12 * np.sin(angle)] for angle in np.linspace(0, 2 * np.pi, 24, False)]
_NOT_FOUND = {"centre_ras_mm": None, "normal_ras": None, "contour_ras_mm": None, "trust": "do not use"}
_SOUND = {"normal_ras": None, "contour_ras_mm": None, "trust": "ok", "reason": None}
ANATOMY = {
    "landmarks": {
        "mitral_annulus": {**_SOUND, "centre_ras_mm": [6.0, -18.0, 853.0], "contour_ras_mm": _RIM},
        "lv_centre": {**_SOUND, "centre_ras_mm": [-8.0, -8.0, 838.0]},
        "aortic_annulus": {**_NOT_FOUND, "reason": "no outlet was seen"},
    },
    "measurements": {
        "mitral_annulus_area": {"value": 8.512, "unit": "cm2", "trust": "ok", "reason": None},
        "lv_long_axis": {"value": None, "unit": "mm", "trust": "do not use", "reason": "no apex was seen"},
        "lv_sphericity": {"value": 0.361, "unit": "1", "trust": "check", "reason": "so is the surface of LV"},
    },
    "regions": {"LA": {"0": "unknown"}, "LV": {"6": "LV mitral side", "27": "LV 17 apex"}},
}
"""Parts of a report."""


def volume_of(name: str) -> float:
    """mL of the ellipsoid's mesh."""
    return meshes()[name][1]


def meshes() -> dict[str, tuple[Mesh, float]]:
    sphere, faces = (part.numpy() for part in icosphere(4))
    unit = np.linalg.det(sphere[faces]).sum() / 6
    return {
        name: (Mesh(name, np.add(centre, sphere * radii), faces), float(unit * np.prod(radii) / 1000))
        for name, (centre, radii) in PLACES.items()
    }
