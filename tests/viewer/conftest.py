"""Pages of known content."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ellipsoids import ANATOMY, CENTRE, PLACES, SCALES, SHAPE, SPACING, meshes
from monai.data import MetaTensor

from custom.frames import centred_affine
from custom.inference.quality.doubt import measured_of
from custom.inference.quality.values import values_of
from custom.mesh import Mesh
from custom.viewer import Page, Phase, installed


def _phase(image: MetaTensor, meshes: list[Mesh], place: int) -> Phase:
    """Smaller surfaces round the same centres, in a brighter CT."""
    centres = [np.array(PLACES[mesh.name][0]) for mesh in meshes]
    moved = [
        mesh._replace(vertices=centre + SCALES[place] * (mesh.vertices - centre))
        for mesh, centre in zip(meshes, centres, strict=True)
    ]
    return Phase(image + 0.15 * place, moved)


@pytest.fixture(scope="session")
def make_page():
    """The page of a case of some name, and of verdicts by chamber, as the command writes it."""
    if not installed():
        pytest.skip("ipyniivue is not installed")
    affine = centred_affine(SHAPE, (SPACING,) * 3, CENTRE)
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, size) for size in SHAPE), indexing="ij"))
    noise = np.random.default_rng(0).normal(0, 0.1, SHAPE)
    image = MetaTensor(
        torch.as_tensor(0.5 * grid.sum(axis=0) / 3 + noise)[None].float(), affine=torch.as_tensor(affine)
    )

    def make(
        name: str = "ct",
        forced: tuple[str, ...] = (),
        warnings: tuple[str, ...] = (),
        anatomy: bool = False,
        beat: dict | None = None,
        **verdicts,
    ) -> bytes:
        surfaces = {chamber: (mesh, ml) for chamber, (mesh, ml) in meshes().items() if chamber in verdicts}
        structures = {
            chamber: {"volume_ml": round(surfaces[chamber][1], 3), **verdicts[chamber]} for chamber in surfaces
        }
        measured = measured_of(structures)
        report = {
            "case": name,
            "input": {"shape": SHAPE, "spacing_mm": [SPACING] * 3},
            "structures": structures,
            "warnings": [
                *(f"{name} is wrong (forced)" for name in forced),
                *warnings,
                *(values.reasons for values in measured.values() if values.reasons),
            ],
            "forced": list(forced),
            "outcomes": list(forced),
            "weights_sha256": "0123456789abcdef" * 4,
            "versions": {"bundle": "1.2.3"},
        }
        found = [mesh for mesh, _ in surfaces.values()]
        if anatomy:
            report |= ANATOMY
            lower = {mesh.name: mesh.vertices[:, 2] < PLACES[mesh.name][0][2] for mesh in found}
            values = {"LA": (0, 0), "LV": (6, 27)}
            found = [
                mesh._replace(regions=np.where(lower[mesh.name], *values[mesh.name][::-1]).astype(np.int32))
                for mesh in found
            ]
            found[0] = found[0]._replace(expected_error_mm=np.linspace(0, 3, len(found[0].vertices), dtype=np.float32))
        if beat is not None:
            report |= {"function": beat, "percent": beat["percent"][0]}
        phases = [] if beat is None else [_phase(image, found, place) for place in range(len(SCALES))]
        return Page((-300, 700))(image, found, report, measured, values_of(report), phases)

    return make
