"""The workflow in the node, with the stand-in networks: what the command line gives, and what is kept back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from dicom_files import write_series
from in_process import reading_here
from monai.bundle import ConfigWorkflow
from stand_in import CONFIG, DIRECTIONS, LOCATOR, NETWORK, ROOT, Ellipsoids, NotAir, Upright

from custom.inputs import InputError
from deploy.node.processing import Failure, Workflow

QUICK = {"device": "cpu", "volume_size": 48, "test_time_augmentation": [], "fairing": 0, "subdivision": 0}


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("weights")
    for name, network in {"model": Ellipsoids().half(), "locator": NotAir().half(), "directions": Upright()}.items():
        torch.save(network.state_dict(), folder / f"{name}.pt")
    made = {"network_def": NETWORK, "checkpoint": str(folder / "model.pt")}
    made |= {"locator": LOCATOR, "locator_checkpoint": str(folder / "locator.pt")}
    return QUICK | made | {"directions": DIRECTIONS, "directions_checkpoint": str(folder / "directions.pt")}


@pytest.fixture
def study(tmp_path, volume) -> Path:
    return write_series(tmp_path / "study", volume, spacing=(2.5, 2.5, 3.5))


@pytest.fixture(autouse=True)
def _read_here():
    with reading_here():
        yield


def numbers(report: pydicom.Dataset) -> list[str]:
    """All that a structured report has measured, in its order."""
    return [str(element.value) for element in report.iterall() if element.keyword == "NumericValue"]


def test_results_are_those_of_the_command_line(keys, study, tmp_path):
    workflow = Workflow(keys, "do not use")
    made = [workflow.run(study, tmp_path / "work").files for _ in range(2)]  # the second by what the first has loaded
    called = {**keys, "bundle_root": str(ROOT / "bundle"), "input": str(study), "output_dir": str(tmp_path / "out")}
    command = ConfigWorkflow(
        config_file=str(CONFIG),
        workflow_type="inference",
        run_id="inference",
        logging_file=False,
        dicom_output=True,
        **called,
    )
    command.initialize()
    command.run()
    expected = sorted((tmp_path / "out").glob("*.dcm"))
    assert {path.name for path in made[1].values()} == {path.name for path in expected} and len(expected) >= 3
    assert not set(made[0]) & set(made[1])  # UIDs are of each run
    for path in expected:
        ours, theirs = pydicom.dcmread(tmp_path / "work" / path.name), pydicom.dcmread(path)
        assert ours.StudyInstanceUID == theirs.StudyInstanceUID == "1.2.3"
        if "EncapsulatedDocument" in theirs:
            assert ours.EncapsulatedDocument == theirs.EncapsulatedDocument
        elif "PixelData" in theirs:
            np.testing.assert_array_equal(ours.pixel_array, theirs.pixel_array)
        else:
            assert numbers(ours) == numbers(theirs)


def test_what_is_not_to_be_used_is_kept_back(keys, study, tmp_path):
    """Of ellipsoids in a ball the report says `do not use`."""
    with pytest.raises(Failure, match="not_trusted: .*do not use") as failed:
        Workflow(keys, "check").run(study, tmp_path / "work")
    assert not failed.value.passing


def test_a_bad_study_says_why_and_whether_it_may_pass(keys, study, tmp_path, monkeypatch):
    workflow = Workflow(keys, "do not use")
    (tmp_path / "empty").mkdir()
    with pytest.raises(Failure, match="no image") as failed:
        workflow.run(tmp_path / "empty", tmp_path / "work")
    assert not failed.value.passing
    monkeypatch.setattr(workflow, "_preprocessing", lambda case: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(Failure, match="memory") as failed:
        workflow.run(study, tmp_path / "work")
    assert failed.value.passing
    for path in sorted(study.iterdir())[20:23]:
        path.unlink()
    with pytest.raises(Failure, match="missing") as failed:
        Workflow(keys, "do not use").run(study, tmp_path / "work")
    assert not failed.value.passing
    report = json.loads(next((tmp_path / "work").glob("*_report.json")).read_text())
    assert report["status"] == "failed"


@pytest.mark.parametrize(
    ("overrides", "said"),
    [({"input": "ct"}, "set by the node itself"), ({"structure": "LA"}, "structures"), ({"fairing": -1}, "fairing")],
)
def test_keys_that_cannot_be_are_named(overrides, said):
    with pytest.raises(InputError, match=said):
        Workflow(overrides, "check")
