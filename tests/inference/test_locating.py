"""A heart anywhere in a field of view of any size is where the crop is; where there is none, nobody gets a mesh."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from stand_in import CONFIG, LOCATOR, ROOT

from custom.frames import centred_affine, normalised_to_ras, voxel_to_ras
from custom.synthesis.case import generate_case

COARSE = 4.0  # mm
TURNED = np.array([[0, -COARSE, 0, 90.0], [0, 0, COARSE, -50.0], [-COARSE, 0, 0, 700.0], [0, 0, 0, 1]])


def _balls(shape, affine, *balls: tuple[tuple[float, float, float], float]) -> np.ndarray:
    """int16 HU: tissue within balls of (centre, radius), RAS mm, in air."""
    index = np.stack(np.meshgrid(*(np.arange(size) for size in shape), indexing="ij"), axis=-1)
    world = voxel_to_ras(index, affine)
    inside = [np.linalg.norm(world - np.array(centre), axis=-1) < radius for centre, radius in balls]
    return np.where(np.any(inside, axis=0), 100, -1000).astype(np.int16)


def _done(workflow, path: Path, **keys) -> dict:
    made = workflow(input=str(path), formats="stl", **keys)
    made.run()
    try:
        made.finalize()
    except SystemExit as ended:
        assert ended.code == 1
    return json.loads((path.parent / "ct_report.json").read_text())


def _middle_of_crop(report: dict) -> np.ndarray:
    crop = report["crop"]
    return normalised_to_ras(np.zeros(3), crop["shape"], np.array(crop["affine_voxel_to_ras"]))


@pytest.fixture
def locate(tmp_path, weights):
    """The config's `LocateHeartd`, with the stand-in locator or the shipped one."""

    def make(shipped: bool = False, **overrides):
        parser = ConfigParser()
        parser.read_config(CONFIG)
        parser.update({"bundle_root": str(ROOT / "bundle"), "device": "cpu", **overrides})
        if not shipped:
            parser.update({"locator": LOCATOR, "locator_checkpoint": str(weights.with_name("locator.pt"))})
        return parser.get_parsed_content("locate_heart")

    return make


def _image(values: np.ndarray, affine: np.ndarray) -> MetaTensor:
    return MetaTensor(torch.from_numpy(values.astype(np.float32))[None], affine=torch.from_numpy(affine))


@pytest.mark.parametrize("affine", [np.diag([-COARSE, -COARSE, COARSE, 1.0]), TURNED], ids=["straight", "turned"])
def test_the_crop_is_where_the_heart_is(tmp_path, workflow, write_nifti, affine):
    """In a field of view of 520 x 400 x 320 mm, larger than the locator's window; smaller things elsewhere."""
    shape = (130, 100, 80)
    heart, other = voxel_to_ras(np.array([[102.0, 30, 60], [20, 70, 20]]), affine)
    path = write_nifti(tmp_path / "ct.nii.gz", _balls(shape, affine, (heart, 35.0), (other, 25.0)), affine)
    report = _done(workflow, path)
    np.testing.assert_allclose(report["heart"]["centre_ras_mm"], heart, atol=2.0)
    np.testing.assert_allclose(_middle_of_crop(report), report["heart"]["centre_ras_mm"], atol=0.06)  # one decimal
    middle = voxel_to_ras((np.array(shape) - 1) / 2, affine)
    assert report["heart"]["from_middle_mm"] == pytest.approx(np.linalg.norm(heart - middle), abs=2.0)
    assert report["heart"]["seen_ml"] == pytest.approx(4 / 3 * np.pi * 3.5**3, rel=0.15)
    assert report["seconds"]["locate"] > 0


def test_what_is_too_small_for_a_heart_is_refused_and_can_be_forced(tmp_path, workflow, write_nifti):
    shape, affine = (60, 60, 60), np.diag([-2.0, -2.0, 2.0, 1.0])
    path = write_nifti(tmp_path / "ct.nii.gz", _balls(shape, affine, ((-40.0, -40.0, 40.0), 14.0)), affine)
    refused = _done(workflow, path)
    assert (refused["status"], refused["outcome"]) == ("failed", "no_heart_found")
    assert "less than 20 mL" in refused["reason"] and "`centre`" in refused["reason"]
    assert not list(tmp_path.glob("*.stl"))
    forced = _done(workflow, path, force=True)
    assert forced["forced"] == ["no_heart_found"] and "no_heart_found" in forced["outcomes"]
    np.testing.assert_allclose(_middle_of_crop(forced), voxel_to_ras(np.full(3, 29.5), affine), atol=1e-6)
    assert forced["heart"]["from_middle_mm"] == 0 and forced["heart"]["seen_ml"] < 20
    assert b"FORCED" in (tmp_path / "ct_LA.stl").read_bytes()


def test_the_given_centre_is_taken(tmp_path, workflow, volume, write_nifti):
    path = write_nifti(tmp_path / "ct.nii.gz", volume, np.diag([-1.5, -1.25, 2.0, 1.0]))
    centre = [-20.0, -50.5, 31.25]
    report = _done(workflow, path, centre=centre)
    np.testing.assert_allclose(_middle_of_crop(report), centre, atol=1e-6)
    assert report["heart"]["seen_ml"] is None and "no_heart_found" not in report["outcomes"]
    refused = _done(workflow, path, centre=[20.0, -50.5, 31.25])
    assert refused["outcome"] == "centre_outside" and "(-47, -37, 47) RAS mm" in refused["reason"]


def test_air_alone_holds_no_heart(locate):
    affine = centred_affine((40, 40, 40), (5.0,) * 3)
    heart = locate().find(_image(np.full((40, 40, 40), -1000), affine))
    assert heart.seen_ml == 0 and np.isnan(heart.centre).all()


def test_the_centre_is_the_middle_of_the_box(locate):
    """Not the centroid, which is where the heart is thick; a thread that leads away does not move it."""
    shape, affine = (50, 40, 40), centred_affine((50, 40, 40), (5.0,) * 3)
    world = voxel_to_ras(np.stack(np.indices(shape), axis=-1), affine)
    right, across = world[..., 0], np.abs(world[..., 1:]).max(axis=-1)
    heart = (np.abs(right) < 51) & (across < np.where(right < -10, 40, 12))
    thread = (right > 50) & (right < 70) & (across < 3)
    heart = locate().find(_image(np.where(heart | thread, 100, -1000), affine))
    np.testing.assert_allclose(heart.centre, [0, 0, 0], atol=5)


def test_the_whole_heart_has_its_middle_elsewhere(locate):
    shape, affine = (60, 60, 60), np.diag([-4.0, -4.0, 4.0, 1.0])
    image = _image(_balls(shape, affine, ((-120.0, -120.0, 120.0), 40.0)), affine)
    record = {"image": image, "seconds": {}, "reading": {"warnings": {}, "forced": []}}
    two, seven = (locate(structures=names)(record)["centre"] for names in (["LA", "LV"], ["LA", "LV", "RA"]))
    np.testing.assert_allclose(two, [-120, -120, 120], atol=2)
    np.testing.assert_allclose(seven - two, [7, 13, 9])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "shift"),
    [((45, 45, 36), (0.0, 0.0, 0.0)), ((90, 80, 75), (-40.0, 20.0, 60.0)), ((90, 80, 90), (50.0, -30.0, -80.0))],
    ids=["cardiac", "whole chest", "whole chest, lower"],
)
def test_the_shipped_locator_finds_generated_hearts(locate, shape, shift):
    """A patient of usual size, unseen in training; 8 mm are a twentieth of the crop."""
    kinds = ConfigParser.load_config_file(ROOT / "bundle" / "configs" / "synthesize.json")["kinds"]
    kind = ConfigParser(kinds).get_parsed_content("whole_chest")
    case = generate_case(800102, replace(kind, offset=(0, 0)), shape, (4.0, 4.0, 4.0))
    affine = case.affine.copy()
    affine[:3, 3] += shift  # the same patient elsewhere
    where = voxel_to_ras(np.argwhere(case.labels > 0), affine)
    truth = (where.min(axis=0) + where.max(axis=0)) / 2
    heart = locate(shipped=True).find(_image(case.image, affine))
    assert np.linalg.norm(heart.centre - truth) < 8


@pytest.mark.slow
@pytest.mark.parametrize("level", [-1000.0, 0.0, 200.0])
def test_the_shipped_locator_finds_no_heart_in_noise(locate, level):
    noise = np.random.default_rng(0).normal(level, 100, (64, 64, 48))
    heart = locate(shipped=True).find(_image(noise, centred_affine((64, 64, 48), (4.0,) * 3)))
    assert heart.seen_ml < 20
