"""What is measured of annulus and ventricle."""

from __future__ import annotations

import numpy as np

from .planes import Plane, across, perimeter, polygon_area, widths

UNITS = {
    "mitral_annulus_area": "cm2",
    "mitral_annulus_perimeter": "mm",
    "mitral_annulus_anteroposterior_diameter": "mm",
    "mitral_annulus_commissural_diameter": "mm",
    "lv_long_axis": "mm",
    "lv_sphericity": "1",
}
"""By name, all that there are."""
RESTS_ON = {
    "mitral_annulus_area": ("mitral_annulus",),
    "mitral_annulus_perimeter": ("mitral_annulus",),
    "mitral_annulus_anteroposterior_diameter": ("mitral_annulus", "aortic_annulus"),
    "mitral_annulus_commissural_diameter": ("mitral_annulus", "aortic_annulus"),
    "lv_long_axis": ("mitral_annulus", "lv_apex"),
    "lv_sphericity": ("mitral_annulus", "lv_apex"),
}
"""The landmarks that each is made of, and whose trust it has."""


def measure_annulus(mitral: Plane) -> dict[str, float]:
    """Area in cm², projected on its plane, and perimeter in mm, along the saddle, of the annulus, hinge to hinge."""
    return {
        "mitral_annulus_area": polygon_area(mitral.contour, mitral.normal) / 100,
        "mitral_annulus_perimeter": perimeter(mitral.contour),
    }


def measure_diameters(mitral: Plane, aortic: Plane) -> dict[str, float]:
    """Extent in mm of the annulus towards the aortic valve, and across: antero-posterior and commissural diameter.

    The septal-to-lateral and the intercommissural distance of Blanke et al., J Cardiovasc Comput Tomogr 2014.
    """
    front = across(aortic.centre - mitral.centre, mitral.normal)
    depth, width = widths(mitral.contour, np.stack([front, np.cross(mitral.normal, front)]))
    return {
        "mitral_annulus_anteroposterior_diameter": float(depth),
        "mitral_annulus_commissural_diameter": float(width),
    }


def measure_ventricle(mitral: Plane, apex: np.ndarray, volume_ml: float) -> dict[str, float]:
    """Long axis in mm, from the middle of the mitral annulus to the apex, and sphericity.

    Sphericity is the volume's share of the ball whose diameter is the long axis (Mannaerts et al., Eur Heart J 2004).
    """
    length = float(np.linalg.norm(apex - mitral.centre))
    return {"lv_long_axis": length, "lv_sphericity": volume_ml * 1e3 / (np.pi / 6 * length**3)}
