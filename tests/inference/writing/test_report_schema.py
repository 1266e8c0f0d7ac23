"""The report against its JSON Schema, and the tables of the docs against both."""

from __future__ import annotations

import json

import jsonschema
import pytest
from stand_in import ROOT

from custom.anatomy.finding import NEEDS, OSTIA
from custom.anatomy.measurements import UNITS
from custom.anatomy.regions import REGIONS
from custom.inference.writing.report import make_failure

DOCS = ROOT / "bundle" / "docs"


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads((DOCS / "report.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_a_written_report_follows_its_schema(workflow, volume, write_nifti, tmp_path, validator):
    made = workflow(input=str(write_nifti(tmp_path / "ct.nii.gz", volume)), formats="stl", volume_size=64)
    made.run()
    report = json.loads((tmp_path / "ct_report.json").read_text())
    validator.validate(report)
    assert set(NEEDS) <= set(report["landmarks"]) <= {*NEEDS, *OSTIA} and set(report["measurements"]) == set(UNITS)
    for spoilt in (
        {"landmarks": {}},
        {"measurements": report["measurements"] | {"lv_long_axis": {"value": 80.0, "unit": "mm"}}},
        {"measurements": {name: {**one, "value": 1.0} for name, one in report["measurements"].items()}},
        {"weights_sha256": "?"},
    ):
        assert not validator.is_valid({**report, **spoilt})


def test_a_failure_follows_the_schema(validator):
    validator.validate(make_failure("ct", "it cannot be read", "damaged"))


def test_the_docs_name_all_landmarks_measurements_and_regions():
    page = (DOCS / "anatomy.md").read_text()
    for name, unit in UNITS.items():
        assert f"| `{name}` | {unit} |" in page
    for name in NEEDS:
        assert f"| `{name}` |" in page
    assert all(f"`{name}`" in page for name in OSTIA)
    for value, name in REGIONS.items():
        assert name in page or value > 11, name
    report = (DOCS / "report.md").read_text()
    for key in ("landmarks", "measurements", "regions", "report.schema.json"):
        assert key in report
