"""The structures of the bundle: their names, order, label values, and what belongs to each."""

STRUCTURES = ("LA", "LV")
"""Left atrium and left ventricle, in the order of the network's output (``channel_def`` of the metadata)."""

LABELS = {name: index + 1 for index, name in enumerate(STRUCTURES)}
"""Value of each structure in a label map; 0 is background."""

COLOURS = {"LA": "#3fb6ff", "LV": "#ff6b57"}
"""Of each structure in pictures."""

DEFINITIONS = {
    "LA": "blood of the left atrium, with appendage and the first 5 to 10 mm of the pulmonary veins, to the mitral "
    "annulus",
    "LV": "blood of the left ventricle, with papillary muscles, trabeculae and mitral leaflets, to the mitral and the "
    "aortic annulus",
}
"""What the surfaces enclose: the convention of the labels that the shipped weights were trained on."""

VOLUMES_ML = {"LA": (30.0, 240.0), "LV": (45.0, 270.0)}
"""Smallest and largest volume in mL that is expected of an adult, anywhere in the cardiac cycle: the ends of what
generated patients are drawn from, but for diseased ones. LV by CT end-diastolic 98 to 144 +- 21 to 38 mL, end-systolic
34 to 61 mL (PMC7758747, table 3), end-diastolic 97.5th percentile 97 and 83 mL/m² in men and women (Fuchs et al., Eur
Heart J Cardiovasc Imaging 2016). LA 103 +- 30 and 89 +- 21 mL (Hudsmith et al., J Cardiovasc Magn Reson 2005), larger
in atrial fibrillation."""
