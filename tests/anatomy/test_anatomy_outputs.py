"""What is found, on its way to report, summary, markups and notebooks."""

from __future__ import annotations

import json

import jsonschema
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from stand_in import ROOT

from custom.anatomy.regions import REGIONS
from custom.frames import centred_affine, ras_to_lps
from custom.inference.landmarks import FindAnatomyd
from custom.inference.writing.markups import encode_markups
from custom.inference.writing.report import report_anatomy
from custom.inference.writing.summary import MEASUREMENTS, row_of
from custom.prediction import moved


@pytest.fixture(scope="module")
def record(meshes):
    structures = {"LA": {"trust": "check", "volume_ml": 90.0}, "LV": {"trust": "ok", "volume_ml": 120.0}}
    grid = centred_affine((128,) * 3, (3.0,) * 3, meshes[0].vertices.mean(axis=0))
    image = MetaTensor(torch.zeros(1, 128, 128, 128), affine=grid)
    image.meta.update(spatial_shape=(128,) * 3, original_affine=grid)
    case = {
        "seconds": {},
        "image": image,
        "meshes": meshes,
        "structures": structures,
        "reading": {"body_surface_m2": 1.8},
    }
    return FindAnatomyd(ROOT / "bundle" / "models" / "atrial_parts.pt")(case)


def test_the_report_follows_its_schema_and_names_the_regions(record):
    report = json.loads(json.dumps(report_anatomy(record)))
    schema = json.loads((ROOT / "bundle" / "docs" / "report.schema.json").read_text())
    for key in ("landmarks", "measurements", "regions"):
        part = schema["$defs"]["done"]["properties"][key] | {"$defs": schema["$defs"]}
        jsonschema.Draft202012Validator(part).validate(report[key])
    assert report["landmarks"]["mitral_annulus"]["trust"] == "check"
    for mesh in record["meshes"]:
        assert report["regions"][mesh.name] == {str(value): REGIONS[value] for value in np.unique(mesh.regions)}
    assert record["seconds"]["anatomy"] > 0
    index = {"value": 50.0, "unit": "mL/m2", "trust": "check", "reason": "so is the surface of LA"}
    assert report["measurements"]["la_volume_index"] == index
    unknown = report_anatomy({**record, "reading": {"body_surface_m2": None}})["measurements"]
    assert set(report["measurements"]) - set(unknown) == {"la_volume_index", "lv_volume_index"}


def test_systems_that_do_not_look_for_landmarks_report_none():
    assert report_anatomy({}) == {}


def test_chosen_measurements_are_columns_of_the_summary(record):
    report = report_anatomy(record)
    row = row_of({"case": "a", "status": "done", **report})
    for column, name in MEASUREMENTS.items():
        value = report["measurements"][name]["value"]
        assert row[column] == value
        assert (value is None) if name.startswith("aortic") else value > 0  # surfaces alone do not show its rim
    assert row_of({"case": "a", "status": "failed"})["lv_long_axis_mm"] is None


def test_notebooks_get_landmarks_in_the_space_of_the_meshes(record):
    landmark = report_anatomy(record)["landmarks"]["mitral_annulus"]
    found = moved(landmark, ras_to_lps)
    np.testing.assert_allclose(found["centre_mm"] * (-1, -1, 1), landmark["centre_ras_mm"])
    assert found["contour_mm"].shape == (48, 3) and found["trust"] == "check" and found["reason"]
    assert moved({**landmark, "contour_ras_mm": None}, ras_to_lps)["contour_mm"] is None


def test_markups_hold_what_was_found(record):
    written = json.loads(encode_markups(report_anatomy(record)["landmarks"]))
    names = [markup["name"] for markup in written["markups"]]
    assert "mitral_annulus (check)" in names and "lv_long_axis (check)" in names
