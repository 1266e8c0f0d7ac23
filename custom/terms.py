"""What landmarks and measurements are called: for readers, and in DICOM by codes and sites."""

from __future__ import annotations

from typing import NamedTuple

from .chambers import CHAMBERS

OWN_SCHEME = "99CHAMBERMESHES"
"""Our own coding scheme, as 99 says (PS3.3 Table 8-1), for what no standard one has a code for."""


class Code(NamedTuple):
    """Of a coding scheme: SCT (SNOMED CT), LN (LOINC), DCM, or our own."""

    value: str
    scheme: str
    meaning: str


class Place(NamedTuple):
    """A landmark's name and site."""

    title: str
    site: Code


class Term(NamedTuple):
    """A measurement's name, what it is in DICOM, and where."""

    title: str
    concept: Code
    site: Code
    derivation: Code | None = None
    landmarks: tuple[str, ...] = ()
    """Whose contour, or line from one to the next, is measured."""


def _own(value: str, meaning: str) -> Code:
    return Code(value, OWN_SCHEME, meaning)


def _structure(name: str) -> Code:
    return Code(CHAMBERS[name].snomed, "SCT", CHAMBERS[name].title)


_MITRAL, _AORTIC = Code("65197004", "SCT", "Mitral annulus"), Code("77583004", "SCT", "Aortic valve ring")
_APEX = Code("128564006", "SCT", "Left ventricle apex")
_VEIN = Code("430757002", "SCT", "Pulmonary vein")
_APPENDAGE = Code("33626005", "SCT", "Left auricular appendage")
_LA, _LV, _WALL = _structure("LA"), _structure("LV"), _structure("MYO")
_VOLUME, _THICKNESS = Code("118565006", "SCT", "Volume"), Code("122445", "DCM", "Wall Thickness")

WALLS = (
    *(f"basal {wall}" for wall in
      ("anterior", "anteroseptal", "inferoseptal", "inferior", "inferolateral", "anterolateral")),
    *(f"mid {wall}" for wall in
      ("anterior", "anteroseptal", "inferoseptal", "inferior", "inferolateral", "anterolateral")),
    *(f"apical {wall}" for wall in ("anterior", "septal", "inferior", "lateral")),
    "apex",
)  # fmt: skip
"""The 17 segments of the American Heart Association, in turn (Cerqueira et al., Circulation 2002)."""

_VEINS = {
    ("right", "superior"): Code("8629005", "SCT", "Superior right pulmonary vein"),
    ("right", "inferior"): Code("113273001", "SCT", "Inferior right pulmonary vein"),
    ("left", "superior"): Code("43863001", "SCT", "Superior left pulmonary vein"),
    ("left", "inferior"): Code("51249003", "SCT", "Inferior left pulmonary vein"),
}
LANDMARKS = {
    "la_centre": Place("Centre of the left atrium", _LA),
    "lv_centre": Place("Centre of the left ventricle", _LV),
    "mitral_annulus": Place("Mitral annulus", _MITRAL),
    "lv_apex": Place("Apex of the left ventricle", _APEX),
    "aortic_annulus": Place("Aortic annulus", _AORTIC),
    "la_appendage_ostium": Place("Ostium of the left atrial appendage", _APPENDAGE),
    "la_appendage_tip": Place("Tip of the left atrial appendage", _APPENDAGE),
    **{
        f"{side}_{name}_vein_ostium": Place(
            f"Ostium of the {side} {name} pulmonary vein", _VEINS.get((side, name), _VEIN)
        )
        for side in ("right", "left")
        for name in ("superior", "middle", "inferior", "common")
    },
}
"""By the report's names, in the order in which they are told."""

_SEGMENTS = {
    f"lv_wall_thickness_{number}{ending}": Term(
        f"LV wall thickness, {number} {wall}{remark}", _own(f"THICKNESS_{number}", f"Wall thickness, {wall}"), _WALL,
        derivation,
    )
    for number, wall in enumerate(WALLS, start=1)
    for ending, remark, derivation in (
        ("", "", Code("373098007", "SCT", "Mean")), ("_largest", ", 95th percentile", _own("P95", "95th percentile")),
    )
}  # fmt: skip

_OPENING = (
    ("area", "area", Code("42798000", "SCT", "Area")),
    ("largest_diameter", "largest diameter", _own("LARGEST_WIDTH", "Largest width")),
    ("smallest_diameter", "smallest diameter", _own("SMALLEST_WIDTH", "Smallest width")),
)
"""What is measured of a valve's or a vein's opening: key, title and concept."""

MEASUREMENTS = {
    "LV_ejection_fraction": Term(
        "LV ejection fraction", Code("8810-4", "LN", "Left ventricular ejection fraction by CT"), _LV
    ),
    "LV_end_diastolic_volume": Term(
        "LV end-diastolic volume", Code("18026-5", "LN", "Left Ventricular End Diastolic Volume"), _LV
    ),
    "LV_end_systolic_volume": Term(
        "LV end-systolic volume", Code("18148-7", "LN", "Left Ventricular End Systolic Volume"), _LV
    ),
    "LV_stroke_volume": Term("LV stroke volume", Code("90096001", "SCT", "Stroke Volume"), _LV),
    "LA_largest_volume": Term("LA largest volume", _VOLUME, _LA, Code("56851009", "SCT", "Maximum")),
    "LA_smallest_volume": Term("LA smallest volume", _VOLUME, _LA, Code("255605001", "SCT", "Minimum")),
    "LA_emptying_fraction": Term(
        "LA emptying fraction", _own("LA_EMPTYING", "Left atrial total emptying fraction"), _LA
    ),
    "LA_pre_contraction_volume": Term(
        "LA volume before its contraction", _VOLUME, _LA, _own("PRE_CONTRACTION", "Before atrial contraction")
    ),
    "LA_passive_emptying_fraction": Term(
        "LA passive emptying fraction", _own("LA_PASSIVE_EMPTYING", "Left atrial passive emptying fraction"), _LA
    ),
    "LA_active_emptying_fraction": Term(
        "LA active emptying fraction", _own("LA_ACTIVE_EMPTYING", "Left atrial active emptying fraction"), _LA
    ),
    "LV_mitral_annulus_excursion": Term(
        "Mitral annulus, excursion", _own("EXCURSION", "Excursion towards the apex"), _MITRAL
    ),
    **{
        f"{name}_index": Term(
            f"{title}, by body surface", _own(f"{name.upper()}_INDEX", f"{title} by body surface"), site
        )
        for name, title, site in (
            ("LV_end_diastolic_volume", "LV end-diastolic volume", _LV),
            ("LV_end_systolic_volume", "LV end-systolic volume", _LV),
            ("LV_stroke_volume", "LV stroke volume", _LV),
            ("LA_largest_volume", "LA largest volume", _LA),
            ("LA_smallest_volume", "LA smallest volume", _LA),
            ("LA_pre_contraction_volume", "LA volume before its contraction", _LA),
            ("la_volume", "LA volume", _LA),
            ("lv_volume", "LV volume", _LV),
        )
    },
    "mitral_annulus_area": Term(
        "Mitral annulus, area", Code("42798000", "SCT", "Area"), _MITRAL, landmarks=("mitral_annulus",)
    ),
    "mitral_annulus_perimeter": Term(
        "Mitral annulus, perimeter", Code("131191004", "SCT", "Perimeter"), _MITRAL, landmarks=("mitral_annulus",)
    ),
    "mitral_annulus_anteroposterior_diameter": Term(
        "Mitral annulus, anteroposterior diameter",
        _own("AP_DIAMETER", "Anteroposterior diameter"), _MITRAL, landmarks=("mitral_annulus",),
    ),
    "mitral_annulus_commissural_diameter": Term(
        "Mitral annulus, commissural diameter",
        _own("COMMISSURAL_DIAMETER", "Commissural diameter"), _MITRAL, landmarks=("mitral_annulus",),
    ),
    **{
        f"aortic_annulus_{key}": Term(f"Aortic annulus, {title}", concept, _AORTIC, landmarks=("aortic_annulus",))
        for key, title, concept in (
            _OPENING[0],
            ("perimeter", "perimeter", Code("131191004", "SCT", "Perimeter")),
            ("area_derived_diameter", "area-derived diameter", _own("AREA_DIAMETER", "Diameter by area")),
            *_OPENING[1:],
        )
    },
    "lv_long_axis": Term(
        "LV long axis", Code("103339001", "SCT", "Long axis"), _LV, landmarks=("mitral_annulus", "lv_apex")
    ),
    "lv_short_axis_largest_diameter": Term(
        "LV short axis, largest diameter", _own("LV_LARGEST_WIDTH", "Largest width across the long axis"), _LV
    ),
    "lv_short_axis_smallest_diameter": Term(
        "LV short axis, smallest diameter", _own("LV_SMALLEST_WIDTH", "Smallest width across the long axis"), _LV
    ),
    "lv_sphericity": Term(
        "LV sphericity", _own("SPHERICITY", "Volume as a share of the ball over the long axis"), _LV
    ),
    "lv_mass": Term("LV muscle, mass", Code("18087-7", "LN", "Left Ventricle Mass"), _WALL),
    "lv_wall_thickness_mean": Term(
        "LV wall thickness, mean", _THICKNESS, _WALL, Code("373098007", "SCT", "Mean")
    ),
    "lv_wall_thickness_largest": Term(
        "LV wall thickness, 95th percentile", _THICKNESS, _WALL, _own("P95", "95th percentile")
    ),
    "la_anteroposterior_diameter": Term(
        "LA anteroposterior diameter", _own("LA_AP_DIAMETER", "Anteroposterior diameter of the body"), _LA
    ),
    "la_transverse_diameter": Term(
        "LA transverse diameter", _own("LA_TRANSVERSE_DIAMETER", "Transverse diameter of the body"), _LA
    ),
    "la_superoinferior_diameter": Term(
        "LA superoinferior diameter", _own("LA_SI_DIAMETER", "Superoinferior diameter of the body"), _LA
    ),
    "la_sphericity": Term("LA sphericity", _own("LA_SPHERICITY", "Evenness of the body's radius"), _LA),
    "la_appendage_volume": Term("LA appendage, volume", _VOLUME, _APPENDAGE),
    "la_appendage_depth": Term(
        "LA appendage, depth", _own("DEPTH", "Distance from the ostium to the tip"), _APPENDAGE,
        landmarks=("la_appendage_ostium", "la_appendage_tip"),
    ),
    **{
        f"{ostium}_{key}": Term(f"{place.title}, {title}", concept, place.site, landmarks=(ostium,))
        for ostium, place in LANDMARKS.items()
        if ostium.endswith("_ostium")
        for key, title, concept in _OPENING
    },
    **_SEGMENTS,
}  # fmt: skip
"""By the report's names, or our own of what the report says of a structure, in the order in which they are told."""
