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
