"""The true surfaces of a generated patient, with the landmarks that are true of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree
from stand_in import ROOT

from custom.anatomy import Anatomy, find_anatomy
from custom.frames import centred_affine, facing_out, voxel_to_ras
from custom.geometry.isosurface import isosurface
from custom.mesh import Mesh
from custom.networks.atrial_parts import AtrialParts
from custom.networks.weights import load_weights
from custom.profiles import Scan
from custom.synthesis.acquisition import Protocol
from custom.synthesis.painting import draw_patient, paint
from custom.synthesis.scanner import scan
from custom.synthesis.structures import label_map
from custom.synthesis.truth import REGIONS, Truth

SHAPE, SPACING = (84, 84, 84), (2.2, 2.2, 2.2)
AFFINE = centred_affine(SHAPE, SPACING, (4.0, 8.0, 0.0))
SOUND = {"LA": "ok", "LV": "ok"}
PARTS = ROOT / "bundle" / "models" / "atrial_parts.pt"


@pytest.fixture(scope="session")
def patient():
    return draw_patient(7)


@pytest.fixture(scope="session")
def structures(patient) -> torch.Tensor:
    return paint(patient, AFFINE, SHAPE)


@pytest.fixture(scope="session")
def meshes(structures) -> list[Mesh]:
    labels = label_map(structures, {"LA": 1, "LV": 2}).numpy()
    surfaces = []
    for value, name in enumerate(SOUND, 1):
        vertices, faces = isosurface(gaussian_filter((labels == value).astype(np.float32), 0.7))
        surfaces.append(Mesh(name, voxel_to_ras(vertices, AFFINE), facing_out(faces, AFFINE)))
    return surfaces


@pytest.fixture(scope="session")
def scans(structures):
    """By the HU of blood: left heart and aorta in it, 60 HU elsewhere, with noise."""
    blood = label_map(structures, {"LA": 1, "LV": 1, "AO": 1}).numpy() > 0
    noise = np.random.default_rng(0).normal(0, 15, blood.shape)
    smooth = gaussian_filter(blood.astype(np.float32), 0.6)
    return {value: Scan((60 + (value - 60) * smooth + noise).astype(np.int16), AFFINE) for value in (45, 250, 450)}


@pytest.fixture(scope="session")
def ct(structures) -> Scan:
    """The patient as a scanner shows him."""
    acquisition = Protocol(contrast={"arterial": 1.0}, cut=0.0).draw(np.random.default_rng(0))
    image = scan(structures, SPACING, acquisition, torch.Generator().manual_seed(0)).image
    return Scan(image.round().to(torch.int16).numpy(), AFFINE)


@pytest.fixture(scope="session")
def truth(patient) -> dict[str, Any]:
    return Truth(patient).landmarks()


@pytest.fixture(scope="session")
def network() -> AtrialParts:
    made = AtrialParts()
    load_weights(made, PARTS)
    return made.eval()


@pytest.fixture(scope="session")
def anatomy(meshes, network, ct) -> Anatomy:
    return find_anatomy(meshes, SOUND, network, scan=ct)


@pytest.fixture(scope="session")
def true_regions(patient, structures, meshes) -> dict[str, np.ndarray]:
    """Per surface the true region of the voxel of its chamber that is nearest to each vertex."""
    volume, found = Truth(patient).regions(structures, AFFINE).numpy(), {}
    for mesh in meshes:
        values = [value for value, name in REGIONS.items() if name.startswith(mesh.name)]
        voxels = np.argwhere(np.isin(volume, values))
        nearest = KDTree(voxel_to_ras(voxels, AFFINE)).query(mesh.vertices)[1]
        found[mesh.name] = volume[tuple(voxels[nearest].T)]
    return found


@pytest.fixture(scope="session")
def true_body(patient, structures) -> tuple[np.ndarray, float]:
    """Extents (3,) in mm of the atrium without appendage and veins, and mL of the appendage, by voxels."""
    volume = Truth(patient).regions(structures, AFFINE).numpy()
    body = voxel_to_ras(np.argwhere(np.isin(volume, (1, 4))), AFFINE)
    return np.ptp(body, axis=0) + SPACING, float((volume == 2).sum() * np.prod(SPACING) / 1e3)
