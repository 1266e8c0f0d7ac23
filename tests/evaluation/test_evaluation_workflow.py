"""The whole workflow with stand-in networks, on a folder laid out as in MM-WHS, on an oblique grid."""

from __future__ import annotations

import csv
import json
import os
import signal
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from ignite.engine import Events
from matplotlib.image import imread
from monai.bundle import ConfigWorkflow
from phantom import write_itk
from refusals import refusal_of
from stand_in import CONFIG, DIRECTIONS, LOCATOR, NETWORK, OBLIQUE, ROOT, Ellipsoids, NotAir, Upright

from custom.evaluation.cases import labelled_images, read_label
from custom.evaluation.measures import MEASURED, UNLABELLED, Measures
from custom.evaluation.records import read_metrics
from custom.evaluation.workflow import chosen_cases

ROW_OF_TEXT = '{"rows": [{"case": "a", "structure": "LA", "status": "measured", "dice": "high"}]}'
MM_WHS = {"205": 0, "420": 1, "421": 1, "500": 2}


@pytest.fixture
def evaluation(tmp_path):
    """The workflow in this process, keys overridden as in a call, its crop coarse."""
    torch.save(Ellipsoids().state_dict(), tmp_path / "model.pt")
    torch.save(NotAir().state_dict(), tmp_path / "locator.pt")
    torch.save(Upright().state_dict(), tmp_path / "directions.pt")
    keys = {"network_def": NETWORK, "checkpoint": str(tmp_path / "model.pt"), "bundle_root": str(ROOT / "bundle")}
    keys |= {"locator": LOCATOR, "locator_checkpoint": str(tmp_path / "locator.pt"), "test_time_augmentation": []}
    keys |= {"directions": DIRECTIONS, "directions_checkpoint": str(tmp_path / "directions.pt")}
    keys |= {f"crop#{key}": [value] * 3 for key, value in (("spatial_size", 64), ("pixdim", 2.6))}

    def make(**overrides) -> ConfigWorkflow:
        made = ConfigWorkflow(
            config_file=[str(CONFIG), str(CONFIG.with_name("evaluate.json"))],
            workflow_type="eval",
            run_id="evaluation",
            logging_file=False,
            **{**keys, "label_values": MM_WHS, **overrides},
        )
        made.initialize()
        return made

    return make


@pytest.fixture
def images(tmp_path) -> Path:
    """Two good CTs and one damaged one."""
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, size) for size in (64, 60, 48)), indexing="ij"))
    volume = np.where((grid**2).sum(axis=0) < 0.8, 100 + 200 * grid[0], -1000).astype(np.int16)
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("ct_test_2001", "ct_test_2002"):
        nibabel.save(nibabel.Nifti1Image(volume, OBLIQUE), folder / f"{name}_image.nii.gz")
    damaged = (folder / "ct_test_2001_image.nii.gz").read_bytes()[:900]
    (folder / "ct_test_2003_image.nii.gz").write_bytes(damaged)
    return folder


def finish(workflow: ConfigWorkflow) -> int:
    workflow.run()
    with pytest.raises(SystemExit) as ended:
        workflow.finalize()
    return ended.value.code


def test_a_submission_then_an_evaluation_against_it(evaluation, images, tmp_path, caplog, capsys):
    """What was submitted for one case is its truth afterwards, in original values; moved, it is the next one's."""
    out = tmp_path / "out"
    call = {"dataset_dir": str(images), "output_dir": str(out)}
    assert finish(evaluation(**call, submission=True)) == 1  # for the damaged one alone
    assert "1 of 3 cases failed" in caplog.text and "3 without truth" in capsys.readouterr().out
    assert sorted(path.name for path in (out / "submission").iterdir()) == [
        "ct_test_2001_label.nii.gz",
        "ct_test_2002_label.nii.gz",
    ]
    submitted = nibabel.load(out / "submission" / "ct_test_2001_label.nii.gz")
    values = np.asarray(submitted.dataobj)
    assert submitted.shape == (64, 60, 48) and values.dtype == np.int16 and set(np.unique(values)) == {0, 420, 500}
    np.testing.assert_allclose(submitted.affine, OBLIQUE, atol=1e-5)

    values[0, 0, 0], values[values == 420] = 205, np.where(np.arange((values == 420).sum()) % 2, 420, 421)
    nibabel.save(nibabel.Nifti1Image(values, OBLIQUE), images / "ct_test_2001_label.nii.gz")
    nibabel.save(nibabel.Nifti1Image(np.roll(values, 2, axis=0), OBLIQUE), images / "ct_test_2002_label.nii.gz")
    nibabel.save(nibabel.Nifti1Image(values, OBLIQUE), images / "ct_test_2003_label.nii.gz")
    assert finish(evaluation(**call, skip_existing=True)) == 1
    assert "2 of 3 cases measured, 1 failed, 0 without truth." in capsys.readouterr().out

    rows = read_metrics(out / "metrics.json")
    right, moved, failed = (rows[k : k + 2] for k in (0, 2, 4))
    assert all(row.dice == 1 and row.assd_mm < 0.6 and row.peak_memory_mib > 0 for row in right)
    assert all(row.dice < 0.95 and row.assd_mm > 0.8 for row in moved)
    assert all(row.status == "failed" and "ct_test_2003_image.nii.gz cannot be read" in row.reason for row in failed)
    whole = json.loads((out / "metrics.json").read_text())
    assert whole["summary"]["LA"]["dice"]["mean"] == pytest.approx((1 + moved[0].dice) / 3)
    with open(out / "metrics.csv", newline="") as stream:
        assert [line["status"] for line in csv.DictReader(stream)] == ["measured"] * 4 + ["failed"] * 2
    worst, best = (imread(out / f"overlay_{which}.png") for which in ("worst", "best"))
    assert worst.shape == best.shape and (worst != best).any()
    assert imread(out / "boxplot.png").std() > 0.1


def test_a_call_without_images_or_labels_is_wrong(evaluation, images, tmp_path):
    for overrides, message in (
        ({"dataset_dir": ""}, "no labelled images given"),
        ({"dataset_dir": str(tmp_path / "none")}, "no labelled images in 'none'"),
        ({"dataset_dir": str(images)}, "none of the 3 images has a label map"),
        ({"dataset_dir": str(images), "submission": "yes"}, "submission: yes"),
    ):
        assert message in refusal_of(evaluation(**overrides).run)


def test_layouts(tmp_path):
    for name in ("images/a.nii.gz", "images/a_labels.nii.gz", "images/b.nii.gz", "labels/b.nii.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    a, b = labelled_images(tmp_path)  # the label map that inference left is no image
    assert a == {"image": str(tmp_path / "images" / "a.nii.gz"), "label": None}
    assert b["label"] == str(tmp_path / "labels" / "b.nii.gz")
    cases = {"test": ["images/a.nii.gz"], "other": [{"image": "images/b.nii.gz", "label": "labels/b.nii.gz"}]}
    (tmp_path / "list.json").write_text(json.dumps(cases))
    assert labelled_images("", tmp_path / "list.json") == [a]
    assert labelled_images("", tmp_path / "list.json", "other") == [b]


def test_labels_of_every_format_are_mapped_by_value(tmp_path):
    values = np.zeros((6, 5, 4), np.int16)
    values[1], values[2], values[3] = 420, 421, 500
    affine = np.diag([-1.0, 1.5, 2.0, 1.0])
    nibabel.save(nibabel.Nifti1Image(values, affine), tmp_path / "a.nii")
    write_itk(tmp_path / "a.nrrd", values, affine)
    for name in ("a.nii", "a.nrrd"):
        classes, placed = read_label(tmp_path / name, MM_WHS)
        assert classes[:, 0, 0].tolist() == [0, 1, 1, 2, 0, 0]
        np.testing.assert_allclose(placed, affine)


def test_worst_median_and_best():
    scores = {"a": 0.8, "b": 0.9, "c": 0.5, "d": 0.7, "e": 0.6}
    rows = [Measures(name, "LA", MEASURED, dice=dice) for name, dice in scores.items()]
    assert chosen_cases([*rows, Measures("f", "LA", UNLABELLED)]) == {"worst": "c", "median": "d", "best": "b"}
    assert chosen_cases(rows[:1]) == {"worst": "a", "median": "a", "best": "a"}
    assert chosen_cases([]) == {}


@pytest.fixture
def labelled(images) -> Path:
    """The images with a label map each; nothing is right about it but its values."""
    values = np.zeros((64, 60, 48), dtype=np.int16)
    values[20:30, 20:40, 10:30], values[35:50, 20:40, 10:30] = 420, 500
    for case in ("2001", "2002", "2003"):
        nibabel.save(nibabel.Nifti1Image(values, OBLIQUE), images / f"ct_test_{case}_label.nii.gz")
    return images


def test_neither_a_signal_nor_another_program_s_file_costs_what_was_measured_before(
    evaluation, labelled, tmp_path, caplog
):
    out = tmp_path / "out"
    call = {"dataset_dir": str(labelled), "output_dir": str(out), "formats": "stl"}
    out.mkdir()
    (out / "ct_test_2001_image_LA.stl").write_bytes(b"theirs")
    assert finish(evaluation(**call)) == 1
    rows = read_metrics(out / "metrics.json")
    refused = [row for row in rows if row.case == "ct_test_2001_image"]
    assert [row.status for row in refused] == ["failed", "failed"] and "stands there already" in refused[0].reason

    before = (out / "metrics.json").read_bytes()
    made = evaluation(**call)
    evaluator = made.parser.get_parsed_content("evaluator")
    evaluator.add_event_handler(Events.ITERATION_STARTED(once=2), lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert finish(made) == 143
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["failed"], summary["not done"]) == (1, 2)
    assert (out / "metrics.json").read_bytes() == before

    (out / "metrics.json").write_text("theirs")
    assert finish(evaluation(**call, skip_existing=True)) == 1
    assert "metrics.json stands there already" in caplog.text and (out / "metrics.json").read_text() == "theirs"


@pytest.mark.parametrize("content", ["[" * 200_000, "{}", '{"rows": [{"case": 1}]}', '{"rows": 3}', "[]", ROW_OF_TEXT])
def test_what_is_no_metrics_json_is_named(tmp_path, content):
    path = tmp_path / "metrics.json"
    path.write_text(content)
    with pytest.raises(ValueError, match="is no metrics.json"):
        read_metrics(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ValueError, match="is no metrics.json"):
        read_metrics(path)
