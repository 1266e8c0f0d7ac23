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


CHAMBERS = {
    "LA": Chamber(
        title="Left atrium",
        snomed="82471001",
        colour="#3fb6ff",
        definition="blood of the left atrium, with appendage and the first 5 to 10 mm of the pulmonary veins, to the "
        "mitral annulus",
        plainly="the blood of the chamber that collects it from the lungs, with its pouch (appendage) and the first 5 "
        "to 10 mm of the lungs' veins, down to the mitral valve",
        volume_ml=(30.0, 240.0),
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
        volume_ml=(45.0, 270.0),
        usual_centre=(-0.3, 0.1, -0.15),
    ),
}
"""By name, in the order of the network's output (``channel_def`` of the metadata).

Volumes are the ends of what generated patients are drawn from, but for diseased ones. LV by CT end-diastolic 98 to 144
+- 21 to 38 mL, end-systolic 34 to 61 mL (PMC7758747, table 3), end-diastolic 97.5th percentile 97 and 83 mL/m² in men
and women (Fuchs et al., Eur Heart J Cardiovasc Imaging 2016). LA 103 +- 30 and 89 +- 21 mL (Hudsmith et al., J
Cardiovasc Magn Reson 2005), larger in atrial fibrillation.
"""

STRUCTURES = tuple(CHAMBERS)

LABELS = {name: index + 1 for index, name in enumerate(STRUCTURES)}
"""Value of each structure in a label map; 0 is background. Where several claim a voxel it is the last one's."""
