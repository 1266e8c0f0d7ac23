"""A heart that reaches beyond the crop is seen whole, though the locator saw a part of it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import trimesh
from stand_in import DIRECTIONS, STRIDE, Ellipsoids, NotAir

from custom import load_model
from custom.frames import centred_affine, voxel_to_ras
from custom.sampling import level_coordinates

SHAPE, SPACING = (90, 40, 40), 4.0
AFFINE = centred_affine(SHAPE, (SPACING,) * 3)
LOW, HIGH = (-118.0, -30, -30), (10.0, 30, 30)
"""RAS mm: corners of a heart that a crop of 166 mm holds, but not round the part that the locator sees."""


class Boxed(Ellipsoids):
    """Atrium and ventricle, one above the other, fill the box round what is no air."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        where = (image[0, 0] > -0.9).nonzero().float()
        low, high = (2 * end / (image.shape[2] - 1) - 1 for end in (where.min(0).values, where.max(0).values))
        middle, half = (low + high) / 2, (high - low) / 2
        up = torch.tensor([0.0, 0, 1])
        self.centres.data = torch.stack([middle + 0.55 * half * up, middle - 0.55 * half * up])
        self.radii.data = (half * torch.tensor([1.0, 1, 0.4])).expand(2, -1).clone()
        return super().forward(image)

    def stages_and_segmentation(self, image: torch.Tensor) -> tuple[list, torch.Tensor]:
        surfaces = self(image)
        points = level_coordinates(image[:, :, ::STRIDE, ::STRIDE, ::STRIDE], STRIDE)
        offsets = (points[None] - self.centres[:, None]) / self.radii[:, None]
        logits = torch.cat([points.new_zeros(1, len(points)), 1 - offsets.square().sum(-1)])
        return [surfaces], logits.view(1, 3, *(size // STRIDE for size in image.shape[2:]))


class Brightest(NotAir):
    """A locator that sees of the heart what is brighter than 500 HU."""

    def __init__(self) -> None:
        super().__init__()
        self.threshold.data += 1.5


@pytest.fixture
def keys(weights, tmp_path):
    torch.save(Boxed().state_dict(), tmp_path / "boxed.pt")
    torch.save(Brightest().state_dict(), tmp_path / "brightest.pt")
    networks = {"network_def": f"{__name__}.Boxed", "locator": f"{__name__}.Brightest"}
    found = {key: {"_target_": target} for key, target in networks.items()} | {"directions": DIRECTIONS}
    found |= {"directions_checkpoint": str(weights.with_name("directions.pt")), "subdivision": 0}
    return found | {"checkpoint": str(tmp_path / "boxed.pt"), "locator_checkpoint": str(tmp_path / "brightest.pt")}


@pytest.fixture
def image(tmp_path, write_nifti):
    world = voxel_to_ras(np.stack(np.indices(SHAPE), axis=-1), AFFINE)
    heart = ((world >= LOW) & (world <= HIGH)).all(axis=-1)
    values = np.where(heart, np.where(world[..., 0] > -40, 700, 200), -1000)
    return write_nifti(tmp_path / "ct.nii.gz", values.astype(np.int16), AFFINE)


def test_the_second_crop_holds_what_the_first_cut_off(workflow, keys, image):
    workflow(input=str(image), formats="stl", **keys).run()
    report = json.loads((image.parent / "ct_report.json").read_text())
    surface = trimesh.load_mesh(image.parent / "ct_LV.stl")
    reach = np.sort(-surface.bounds[:, 0])  # LPS
    np.testing.assert_allclose(reach, [LOW[0], HIGH[0]], atol=6)
    middle = report["heart"]["centre_ras_mm"]
    assert middle[0] == pytest.approx((LOW[0] + HIGH[0]) / 2, abs=20) and middle[0] < -40
    assert report["structures"]["LV"]["cut"] == 0 and report["heart"]["seen_ml"] > 20
    crop = np.array(report["crop"]["affine_voxel_to_ras"])
    np.testing.assert_allclose(voxel_to_ras(np.full(3, 63.5), crop), middle, atol=0.06)


def test_from_python_it_is_the_same(workflow, keys, image):
    workflow(input=str(image), formats="stl", **keys).run()
    written = json.loads((image.parent / "ct_report.json").read_text())
    found = load_model(device="cpu", **keys).predict(image)
    for report in (found.report, written):
        report.pop("seconds"), report.pop("peak_memory_mib"), report.pop("files", None)
    assert found.report == written


def test_a_given_centre_stays(workflow, keys, image):
    workflow(input=str(image), formats="stl", centre=[-10.0, 0, 0], **keys).run()
    report = json.loads((image.parent / "ct_report.json").read_text())
    assert report["heart"]["centre_ras_mm"] == [-10, 0, 0] and report["structures"]["LV"]["cut"] > 0
