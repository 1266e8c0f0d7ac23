"""A header that confuses directions is told by the anatomy, and which ones it confuses."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from stand_in import CONFIG, ROOT

from custom import load_model
from custom.frames import centred_affine, voxel_to_ras
from custom.inference.directions import NAMES, CheckDirections
from custom.networks.directions import FLIPS, Directions
from custom.synthesis.case import generate_case

SIZE, SPACING = 16, 10.0
OBLIQUE = np.array([[-0.1, 3.9, 0.3, -60.0], [0.2, 0.4, -3.8, 90.0], [4.2, 0.1, 0.2, 700.0], [0, 0, 0, 1]])


class Brighter(torch.nn.Module):
    """Scores (B, 1) how much brighter an image (B, 1, D, D, D) gets to the right, anteriorly and superiorly."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        lower, upper = image.shape[2] // 4, image.shape[2] * 3 // 4
        rises = [image.select(axis, upper) - image.select(axis, lower) for axis in (2, 3, 4)]
        return torch.stack([50 * rise.mean((1, 2, 3)).clamp(-0.2, 0.2) for rise in rises]).sum(0)[:, None]


def _windowing(data):
    return {"image": (data["image"] / 500 - 1).clamp(-1, 1)}


@pytest.fixture
def check(tmp_path) -> CheckDirections:
    network = Directions(SIZE, [4, 4])
    network.score = Brighter()
    torch.save(network.state_dict(), tmp_path / "directions.pt")
    return CheckDirections(network, tmp_path / "directions.pt", _windowing, SPACING)


def _slope(shape, affine) -> MetaTensor:
    """Brighter to the right, anteriorly and superiorly of the image's middle, values of air 0."""
    index = np.stack(np.meshgrid(*(np.arange(size) for size in shape), indexing="ij"), -1)
    middle = voxel_to_ras((np.array(shape) - 1) / 2, affine)
    values = 500 + (voxel_to_ras(index, affine) - middle) @ [2.0, 1.5, 1.0]
    return MetaTensor(torch.from_numpy(values.astype(np.float32))[None], affine=torch.from_numpy(affine))


def _turned(affine: np.ndarray, shape, axes) -> np.ndarray:
    """The affine of a header that confuses the ends of the patient's `axes`; the image's middle stays in its place."""
    turn = np.diag([-1.0 if axis in axes else 1.0 for axis in range(3)])
    wrong = affine.copy()
    wrong[:3, :3] = turn @ affine[:3, :3]
    half = (np.array(shape) - 1) / 2
    wrong[:3, 3] = voxel_to_ras(half, affine) - wrong[:3, :3] @ half
    return wrong


@pytest.mark.parametrize("axes", FLIPS)
def test_an_image_that_is_turned_round_gets_the_same_scores_in_another_order(axes):
    torch.manual_seed(0)
    network, image = Directions(SIZE, [4, 4]).eval(), torch.randn(1, 1, SIZE, SIZE, SIZE)
    with torch.no_grad():
        scores, turned = network(image)[0], network(image.flip([axis + 2 for axis in axes]))[0]
    assert scores.std() > 0
    for flip, score in zip(FLIPS, scores, strict=True):
        torch.testing.assert_close(turned[FLIPS.index(tuple(sorted(set(flip) ^ set(axes))))], score)


@pytest.mark.parametrize("axes", FLIPS)
@pytest.mark.parametrize("affine", [centred_affine((50, 40, 60), (4, 4, 4)), OBLIQUE], ids=["straight", "turned"])
def test_confused_directions_are_named_however_the_voxels_run(check, affine, axes):
    image = _slope((50, 40, 60), affine)
    image.affine = torch.from_numpy(_turned(affine, (50, 40, 60), axes))
    look = check(image, voxel_to_ras(np.array([24.5, 19.5, 29.5]), affine))
    if axes:
        assert look.upright < 0.01 and look.probability > 0.99
        assert look.confused == ", ".join(NAMES[axis] for axis in axes)
    else:
        assert look.upright > 0.99


def test_the_box_lies_round_the_heart_and_keeps_to_the_image(check):
    """240 mm along each axis, the box 160: with the heart at an end there are 80 mm at the other that it leaves out."""
    shape, affine = (60, 60, 30), centred_affine((60, 60, 30), (4, 4, 4), (10, 20, 30))
    image = _slope(shape, affine)
    seen = []
    check.network().score.register_forward_hook(lambda _, inputs, output: seen.append(inputs[0][0, 0]))
    for centre in ([10, 20, 30], [10 + 110, 20 - 90, 30 + 50]):
        check(image, np.array(centre, dtype=float))
    middle, aside = seen
    step = (middle[9, 8, 8] - middle[8, 8, 8]) / SPACING  # along the right axis; the others are 3/4 and 1/2 as steep
    assert float(aside[8, 8, 8] - middle[8, 8, 8]) == pytest.approx(float(step * (40 - 40 * 0.75)), abs=1e-3)
    assert (middle > -1).sum() == (aside > -1).sum()


@cache
def _patient(kind: str):
    kinds = ConfigParser.load_config_file(ROOT / "bundle" / "configs" / "synthesize.json")["kinds"]
    return generate_case(800200, ConfigParser(kinds).get_parsed_content(kind), spacing=(2.5, 2.5, 2.5))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cardiac", "whole_chest"])
def test_the_shipped_network_names_what_a_header_confuses(kind):
    case = _patient(kind)
    parser = ConfigParser()
    parser.read_config(CONFIG)
    parser.update({"bundle_root": str(ROOT / "bundle"), "device": "cpu", "force": True})
    locate = parser.get_parsed_content("locate_heart")
    for axes in FLIPS:
        affine = torch.from_numpy(_turned(case.affine, case.image.shape, axes))
        image = MetaTensor(torch.from_numpy(case.image.astype(np.float32))[None], affine=affine)
        reading = {"warnings": {}, "forced": []}
        told = locate({"image": image, "reading": reading, "seconds": {}})["reading"]["directions"]
        if axes:
            assert told["upright"] < 0.1 and told["confused"] == ", ".join(NAMES[axis] for axis in axes)
        else:
            assert told["upright"] > 0.9


def test_where_no_heart_is_found_the_refusal_names_what_the_header_confuses(workflow, write_nifti, tmp_path):
    image = np.full((30, 30, 30), -1000, dtype=np.int16)
    image[12:15, 12:15, 12:15] = 100
    path = write_nifti(tmp_path / "ct.nii.gz", image, np.diag([-4.0, -4.0, 4.0, 1.0]))
    for confused, named in ((0, False), (FLIPS.index((0, 2)), True)):
        made = workflow(input=str(path), directions={"_target_": "stand_in.Upright", "otherwise": confused})
        made.run()
        with pytest.raises(SystemExit):
            made.finalize()
        report = json.loads((tmp_path / "ct_report.json").read_text())
        assert report["outcome"] == "no_heart_found"
        assert ("confuses directions (right and left, head and feet)" in report["reason"]) == named


@pytest.mark.slow
def test_a_header_that_confuses_head_and_feet_is_doubted_from_end_to_end():
    case = _patient("cardiac")
    model = load_model(device="cpu", test_time_augmentation=[], subdivision=0)
    sound = model.predict(case.image, case.affine).report
    assert {checks["trust"] for checks in sound["structures"].values()} == {"ok"}
    assert not any("directions" in sentence for sentence in sound["warnings"])
    wrong = model.predict(case.image, _turned(case.affine, case.image.shape, (2,))).report
    assert "directions" in wrong["outcomes"] and any("head and feet" in sentence for sentence in wrong["warnings"])
    assert all(checks["trust"] == "do not use" for checks in wrong["structures"].values())
