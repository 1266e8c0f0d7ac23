"""The true surfaces of a generated patient, with the landmarks that are true of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from custom.anatomy import Anatomy, find_anatomy
from custom.frames import centred_affine, facing_out, voxel_to_ras
from custom.geometry.isosurface import isosurface
from custom.mesh import Mesh
from custom.synthesis.painting import draw_patient, paint
from custom.synthesis.structures import label_map
from custom.synthesis.truth import Truth

SHAPE, SPACING = (84, 84, 84), (2.2, 2.2, 2.2)
AFFINE = centred_affine(SHAPE, SPACING, (4.0, 8.0, 0.0))
SOUND = {"LA": "ok", "LV": "ok"}


@pytest.fixture(scope="session")
def patient():
    return draw_patient(7)


@pytest.fixture(scope="session")
def meshes(patient) -> list[Mesh]:
    labels = label_map(paint(patient, AFFINE, SHAPE), {"LA": 1, "LV": 2}).numpy()
    surfaces = []
    for value, name in enumerate(SOUND, 1):
        vertices, faces = isosurface(gaussian_filter((labels == value).astype(np.float32), 0.7))
        surfaces.append(Mesh(name, voxel_to_ras(vertices, AFFINE), facing_out(faces, AFFINE)))
    return surfaces


@pytest.fixture(scope="session")
def truth(patient) -> dict[str, Any]:
    return Truth(patient).landmarks()


@pytest.fixture(scope="session")
def anatomy(meshes) -> Anatomy:
    return find_anatomy(meshes, SOUND)
