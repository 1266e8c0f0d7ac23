"""The structures of the bundle: their names, order and label values."""

STRUCTURES = ("LA", "LV")
"""Left atrium and left ventricle, in the order of the network's output (``channel_def`` of the metadata)."""

LABELS = {name: index + 1 for index, name in enumerate(STRUCTURES)}
"""Value of each structure in a label map; 0 is background."""
