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
