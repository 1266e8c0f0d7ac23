"""The structures of the bundle, a row each: a further one is a row here, and weights that know it."""

from __future__ import annotations

from typing import NamedTuple


class Chamber(NamedTuple):
    """What belongs to a structure."""

    title: str
    """In full."""
    snomed: str
    """Its code in SNOMED CT, whose meaning is the title."""
    colour: str
    """In pictures."""
    definition: str
    """What the surface encloses: the convention of the labels that the shipped weights were trained on."""
    plainly: str
    """The same, for a reader who knows no anatomy."""
    volume_ml: tuple[float, float]
    """Smallest and largest that is expected of an adult, anywhere in the cardiac cycle."""
    usual_centre: tuple[float, float, float]
    """Where it lies in the crop, normalised: where a surface starts if the segmentation shows nothing of it."""
    around: str | None = None
    """The structure that its surface encloses together with its own voxels."""


CHAMBERS = {
    "LA": Chamber(
        title="Left atrium",
        snomed="82471001",
        colour="#3fb6ff",
        definition="blood of the left atrium, with appendage and the first 5 to 10 mm of the pulmonary veins, to the "
        "mitral annulus",
        plainly="the blood of the chamber that collects it from the lungs, with its pouch (appendage) and the first 5 "
        "to 10 mm of the lungs' veins, down to the mitral valve",
        volume_ml=(30.0, 340.0),
        usual_centre=(0.0, -0.3, 0.15),
    ),
    "LV": Chamber(
        title="Left ventricle",
        snomed="87878005",
        colour="#ff6b57",
        definition="blood of the left ventricle, with papillary muscles, trabeculae and mitral leaflets, to the mitral "
        "and the aortic annulus",
        plainly="the blood of the chamber that pumps it into the body, with the muscles and leaflets inside, up to the "
        "valves to the atrium (mitral) and to the aorta",
        volume_ml=(45.0, 330.0),
        usual_centre=(-0.3, 0.1, -0.15),
    ),
    "RA": Chamber(
        title="Right atrium",
        snomed="73829009",
        colour="#7d7bff",
        definition="blood of the right atrium, with appendage and crista, from the ends of the venae cavae to the "
        "tricuspid annulus",
        plainly="the blood of the chamber that collects it from the body, with its pouch (appendage), from where the "
        "large veins end down to the tricuspid valve",
        volume_ml=(35.0, 260.0),
        usual_centre=(0.45, 0.2, 0.05),
    ),
    "RV": Chamber(
        title="Right ventricle",
        snomed="53085002",
        colour="#2fbf9b",
        definition="blood of the right ventricle, with papillary muscles, trabeculae and tricuspid leaflets, to the "
        "tricuspid and the pulmonary annulus",
        plainly="the blood of the chamber that pumps it into the lungs, with the muscles and leaflets inside, up to "
        "the valves to the atrium (tricuspid) and to the lungs' artery",
        volume_ml=(50.0, 320.0),
        usual_centre=(0.0, 0.5, -0.1),
    ),
    "MYO": Chamber(
        title="Myocardium of left ventricle",
        snomed="447235007",
        colour="#d9a441",
        definition="the left ventricle's muscle and what it encloses, to the epicardium and the right ventricle's "
        "blood, to the mitral and the aortic annulus",
        plainly="muscle and blood together of the chamber that pumps blood into the body; of the muscle alone there is "
        "the mass",
        volume_ml=(95.0, 520.0),
        usual_centre=(-0.25, 0.25, -0.2),
        around="LV",
    ),
    "AO": Chamber(
        title="Ascending aorta",
        snomed="54247002",
        colour="#e24a6a",
        definition="blood of the aorta, with the valve's cusps and sinuses, from the aortic annulus to the upper level "
        "of the atria",
        plainly="the blood of the body's artery from its valve to the height of the atria's roof",
        volume_ml=(10.0, 140.0),
        usual_centre=(0.05, 0.2, 0.25),
    ),
    "PA": Chamber(
        title="Pulmonary trunk",
        snomed="45341000",
        colour="#4f86c6",
        definition="blood of the pulmonary trunk, with the valve's cusps, from the pulmonary annulus to the "
        "bifurcation",
        plainly="the blood of the lungs' artery from its valve to where it divides",
        volume_ml=(12.0, 130.0),
        usual_centre=(-0.1, 0.25, 0.5),
    ),
}
"""By name, in the order of the network's output (``channel_def`` of the metadata).

Volumes are the ends of what generated patients are drawn from, with giant atria and dilated ventricles: who has such
a heart is scanned the more often, and its size alone is no sign of a wrong surface. LV by CT end-diastolic 98 to 144
+- 21 to 38 mL, end-systolic 34 to 61 mL (PMC7758747, table 3), end-diastolic 97.5th percentile 97 and 83 mL/m² in men
and women (Fuchs et al., Eur Heart J Cardiovasc Imaging 2016). LA 103 +- 30 and 89 +- 21 mL (Hudsmith et al., J
Cardiovasc Magn Reson 2005), larger in atrial fibrillation. Those of the other five are no published ones: they lie
outside of what most generated patients have.
"""

STRUCTURES = tuple(CHAMBERS)

LEFT_HEART = STRUCTURES[:2]
"""What is made unless more is asked for, by weights of its own."""

LABELS = {name: index + 1 for index, name in enumerate(STRUCTURES)}
"""Value of each structure in a label map; 0 is background. Each voxel belongs to one structure."""

ENCLOSED = {name: tuple(LABELS[part] for part in (name, chamber.around) if part) for name, chamber in CHAMBERS.items()}
"""Values of a label map that each structure's surface encloses."""
