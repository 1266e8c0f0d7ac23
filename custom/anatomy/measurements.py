"""What is measured of annulus, ventricle and atrium."""

from __future__ import annotations

import numpy as np

from ..mesh import Mesh
from ..networks.atrial_parts import PARTS
from .atrium import APPENDAGE_OSTIUM, APPENDAGE_TIP, Atrium
from .planes import Plane, Surface, across, fit_plane, perimeter, polygon_area, unit, widest_and_narrowest, widths
from .sections import loop_round

OSTIUM_UNITS = {"area": "cm2", "largest_diameter": "mm", "smallest_diameter": "mm"}
"""Of each ostium that is measured, by the end of the name."""
NECK_UNITS = {f"{APPENDAGE_OSTIUM}_{key}": unit for key, unit in OSTIUM_UNITS.items()}
"""Of the appendage's narrowest section, by name."""
UNITS = {
    "mitral_annulus_area": "cm2",
    "mitral_annulus_perimeter": "mm",
    "mitral_annulus_anteroposterior_diameter": "mm",
    "mitral_annulus_commissural_diameter": "mm",
    "aortic_annulus_area": "cm2",
    "aortic_annulus_perimeter": "mm",
    "aortic_annulus_area_derived_diameter": "mm",
    "aortic_annulus_largest_diameter": "mm",
    "aortic_annulus_smallest_diameter": "mm",
    "lv_long_axis": "mm",
    "lv_short_axis_largest_diameter": "mm",
    "lv_short_axis_smallest_diameter": "mm",
    "lv_sphericity": "1",
    "la_anteroposterior_diameter": "mm",
    "la_transverse_diameter": "mm",
    "la_superoinferior_diameter": "mm",
    "la_sphericity": "1",
    "la_appendage_volume": "mL",
    "la_appendage_depth": "mm",
    **NECK_UNITS,
}
"""By name, all that there are."""
RESTS_ON = {
    "mitral_annulus_area": ("mitral_annulus",),
    "mitral_annulus_perimeter": ("mitral_annulus",),
    "mitral_annulus_anteroposterior_diameter": ("mitral_annulus", "aortic_annulus"),
    "mitral_annulus_commissural_diameter": ("mitral_annulus", "aortic_annulus"),
    "aortic_annulus_area": ("aortic_annulus",),
    "aortic_annulus_perimeter": ("aortic_annulus",),
    "aortic_annulus_area_derived_diameter": ("aortic_annulus",),
    "aortic_annulus_largest_diameter": ("aortic_annulus",),
    "aortic_annulus_smallest_diameter": ("aortic_annulus",),
    "lv_long_axis": ("mitral_annulus", "lv_apex"),
    "lv_short_axis_largest_diameter": ("mitral_annulus", "lv_apex"),
    "lv_short_axis_smallest_diameter": ("mitral_annulus", "lv_apex"),
    "lv_sphericity": ("mitral_annulus", "lv_apex"),
    "la_anteroposterior_diameter": ("mitral_annulus",),
    "la_transverse_diameter": ("mitral_annulus",),
    "la_superoinferior_diameter": ("mitral_annulus",),
    "la_sphericity": ("mitral_annulus",),
    "la_appendage_volume": (APPENDAGE_OSTIUM,),
    "la_appendage_depth": (APPENDAGE_OSTIUM, APPENDAGE_TIP),
    **dict.fromkeys(NECK_UNITS, (APPENDAGE_OSTIUM,)),
}
"""The landmarks that each is made of, and whose trust it has."""
_AXES = {"la_transverse_diameter": 0, "la_anteroposterior_diameter": 1, "la_superoinferior_diameter": 2}
"""The patient's, RAS."""
SHORT_AXIS = 1 / 3
"""Of the long axis, from the annulus, where the tips of the leaflets end."""


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


def measure_outlet(aortic: Plane) -> dict[str, float]:
    """Of the aortic annulus, whose contour is known: area in cm², and in mm the perimeter, the diameter of the circle
    of that area, and the largest and smallest width.

    Blanke et al., J Cardiovasc Comput Tomogr 2019 (SCCT, planning of TAVI).
    """
    measured = measure_ostium(aortic)
    measured["perimeter"] = perimeter(aortic.contour)
    measured["area_derived_diameter"] = float(2 * np.sqrt(100 * measured["area"] / np.pi))
    return {f"aortic_annulus_{key}": value for key, value in measured.items()}


def measure_ventricle(mitral: Plane, apex: np.ndarray, volume_ml: float) -> dict[str, float]:
    """Long axis in mm, from the middle of the mitral annulus to the apex, and sphericity.

    Sphericity is the volume's share of the ball whose diameter is the long axis (Mannaerts et al., Eur Heart J 2004).
    """
    length = float(np.linalg.norm(apex - mitral.centre))
    return {"lv_long_axis": length, "lv_sphericity": volume_ml * 1e3 / (np.pi / 6 * length**3)}


def measure_short_axis(mesh: Mesh, mitral: Plane, apex: np.ndarray) -> dict[str, float]:
    """Largest and smallest width in mm of the ventricle across its long axis, below the tips of the mitral leaflets.

    The level is where Lang et al., J Am Soc Echocardiogr 2015, measure the internal dimension, taken as a third of the
    long axis, since the surface has no leaflets. Nothing where the section there is no line round the axis.
    """
    axis = unit(apex - mitral.centre)
    level = mitral.centre + SHORT_AXIS * (apex - mitral.centre)
    section = loop_round(mesh.vertices, mesh.faces, level, axis)
    if section is None:
        return {}
    largest, smallest = widest_and_narrowest(section, axis)
    return {
        "lv_short_axis_largest_diameter": largest,
        "lv_short_axis_smallest_diameter": smallest,
    }


def measure_ostium(plane: Plane) -> dict[str, float]:
    """Area in cm² of a contour in its plane, and largest and smallest width in mm."""
    largest, smallest = widest_and_narrowest(plane.contour, plane.normal)
    return {
        "area": polygon_area(plane.contour, plane.normal) / 100,
        "largest_diameter": largest,
        "smallest_diameter": smallest,
    }


def measure_body(surface: Surface, atrium: Atrium) -> dict[str, float]:
    """Diameters in mm and sphericity of the atrium without appendage and veins.

    The diameters are its extents along the patient's axes. Sphericity is 1 less the standard deviation of the wall's
    distance from the body's middle over that distance's mean, by area (Bisbal et al., JACC Cardiovasc Imaging 2013).
    Nothing where no vertex is of the body.
    """
    own = atrium.parts == PARTS.index("body")
    body, areas = surface.vertices[own], surface.areas[own]
    if not own.any():
        return {}
    distance = np.linalg.norm(body - np.average(body, axis=0, weights=areas), axis=1)
    mean = np.average(distance, weights=areas)
    spread = np.sqrt(np.average(np.square(distance - mean), weights=areas))
    extents = np.ptp(body, axis=0)
    return {**{name: float(extents[axis]) for name, axis in _AXES.items()}, "la_sphericity": float(1 - spread / mean)}


def measure_appendage(atrium: Atrium) -> dict[str, float]:
    """Of the appendage, if there is one: volume in mL, depth in mm, from the ostium's centre to the tip, and area in
    cm² and widths in mm of its narrowest section near the ostium.

    Devices that close it are chosen by such sections, up to some 10 mm beyond the ostium: Korsholm et al., JACC
    Cardiovasc Interv 2020.
    """
    if atrium.appendage is None:
        return {}
    plane = atrium.appendage.plane
    told = {
        "la_appendage_volume": atrium.appendage_ml,
        "la_appendage_depth": float(np.linalg.norm(atrium.tip - plane.centre)),
    }
    if plane.contour is not None:
        _, normal = fit_plane(plane.contour, np.ones(len(plane.contour)), plane.normal)
        ostium = measure_ostium(plane._replace(normal=normal))
        told |= {f"{APPENDAGE_OSTIUM}_{key}": value for key, value in ostium.items()}
    return told
