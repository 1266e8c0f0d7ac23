"""From Python: `python bundle/docs/python_example.py ct.nii.gz chambers.png`, as a notebook would go step by step.

In a bundle from the zoo the package is called `scripts`: `from scripts import load_model`.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

from custom import load_model

ct, picture = sys.argv[1:]

# %% Three lines: the network with its weights, what it finds, and a surface of trimesh in RAS mm
model = load_model(device="cpu")
found = model.predict(ct)
atrium = found.meshes["LA"]

# %% What the report says of it
print(f"LA: {atrium.volume / 1000:.1f} mL, {len(atrium.vertices)} vertices, watertight: {atrium.is_watertight}")
for name, checks in found.report["structures"].items():
    print(f"{name}: trust {checks['trust']}, doubt {checks['doubt']}, agreement {checks['agreement']}")
for sentence in found.report["warnings"]:
    print(sentence)

# %% The label map lies on the image's own grid
voxel_ml = abs(np.linalg.det(found.affine[:3, :3])) / 1000
for label, name in enumerate(found.meshes, start=1):
    print(f"{name}: {(found.label_map == label).sum() * voxel_ml:.1f} mL of voxels")

# %% A picture
figure = Figure(figsize=(5, 4.5), layout="constrained")
axes = figure.add_subplot(projection="3d")
for (name, mesh), colour in zip(found.meshes.items(), ("#3fb6ff", "#ff6b57"), strict=True):
    axes.plot_trisurf(*mesh.vertices.T, triangles=mesh.faces, color=colour, label=name)
axes.set(xlabel="right, mm", ylabel="front, mm", zlabel="head, mm", aspect="equal")
axes.view_init(elev=10, azim=110)
axes.legend()
figure.savefig(picture, dpi=100, metadata={"Software": None})
