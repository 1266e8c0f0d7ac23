"""The inference workflow, in this process and (slow) as `python -m monai.bundle run inference`."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
import threading
import time
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK
from dicom_files import PATIENT, PATIENT_ID, write_series
from phantom import write_itk
from refusals import refusal_of
from stand_in import CONFIG, OBLIQUE, ROOT

from custom.reading import loading
from custom.viewer import installed

STRAIGHT = np.diag([-1.5, -1.25, 2.0, 1.0])
RELATIVE = CONFIG.relative_to(ROOT)
HINGES = (("mitral", "mitral_hinges"), ("aortic", "aortic_hinges"))


def _report(folder: Path, name: str) -> dict:
    return json.loads((folder / f"{name}_report.json").read_text())


def test_every_kind_of_input_and_a_bad_one_in_a_batch(tmp_path, workflow, caplog, volume, write_nifti):
    """The same anatomy from four formats; a damaged file between them costs the batch nothing but its exit code."""
    data = tmp_path / "data"
    write_nifti(data / "a.nii.gz", volume, STRAIGHT)
    (data / "b.nii.gz").write_bytes((data / "a.nii.gz").read_bytes()[:900])
    write_itk(data / "c.nrrd", volume, STRAIGHT)
    write_itk(data / "d.mha", volume, STRAIGHT)
    write_series(data / "series", volume, origin=(0.0, 0.0, 0.0))
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}

    made = workflow(input=str(data), formats=["stl", "ply"])
    caplog.set_level("INFO")
    made.run()
    with pytest.raises(SystemExit) as ended:
        made.finalize()

    assert ended.value.code == 1
    assert all(path.read_bytes() == content for path, content in before.items())
    first = _report(data, "a")
    for name in ("c", "d", "series"):
        report = _report(data, name)
        placed, expected = (case["crop"]["affine_voxel_to_ras"] for case in (report, first))
        np.testing.assert_allclose(placed, expected, atol=1e-3)
        assert report["structures"] == first["structures"]
        labels = [nibabel.load(data / f"{case}_labels.nii.gz").get_fdata() for case in ("a", name)]
        np.testing.assert_array_equal(*labels)
    failed = _report(data, "b")
    assert (
        failed["status"] == "failed"
        and failed["outcome"] == "unreadable"
        and "b.nii.gz cannot be read" in failed["reason"]
    )
    assert "1 of 5 cases failed" in caplog.text
    assert caplog.messages[-1].startswith("  b: b.nii.gz cannot be read")
    written = [path for path in data.iterdir() if path.is_file() and path not in before]
    assert len(written) == 4 * 7 + 1 + 2
    for text in [caplog.text, *(path.read_bytes().decode("latin-1") for path in written)]:
        assert PATIENT not in text and PATIENT_ID not in text and str(data) not in text


def test_the_next_case_is_read_while_the_network_sees_one(tmp_path, workflow, monkeypatch, volume, write_nifti):
    for name in "abcde":
        write_nifti(tmp_path / f"{name}.nii", volume, STRAIGHT)
    (tmp_path / "b.nii").write_bytes(b"no image")
    begun, read = [], loading.read_isolated

    def noted(path, *arguments, **keywords):
        begun.append((path.name, threading.current_thread() is threading.main_thread()))
        return read(path, *arguments, **keywords)

    monkeypatch.setattr(loading, "read_isolated", noted)
    workflow(input=str(tmp_path / "d.nii")).run()
    made = workflow(input=str(tmp_path), skip_existing=True)
    made.run()
    assert begun[1:] == [("a.nii", True), ("b.nii", False), ("c.nii", True), ("e.nii", False)]
    outcomes = {row["case"]: row["status"] for row in made.evaluator.rows}
    assert outcomes == {"a": "done", "b": "failed", "c": "done", "d": "skipped", "e": "done"}


def test_a_case_is_let_go_of_before_the_next_is_prepared(tmp_path, workflow, volume, write_nifti):
    for name in "ab":
        write_nifti(tmp_path / f"{name}.nii", volume, STRAIGHT)
    evaluator = (made := workflow(input=str(tmp_path), formats="stl")).evaluator
    held, prepare = [], evaluator.data_loader.dataset.transform

    def noted(record):
        held.append((evaluator.state.batch, evaluator.state.output))
        return prepare(record)

    evaluator.data_loader.dataset.transform = noted
    made.run()
    assert held == [(None, {})] * 2
    assert evaluator.state.output["report"]["case"] == "b"  # which stays, for who looks at it


def test_output_folder_and_oblique_input(tmp_path, workflow, volume, write_nifti):
    path = write_nifti(tmp_path / "in" / "ct.nii.gz", volume, OBLIQUE)
    made = workflow(input=str(path), output_dir=str(tmp_path / "out"), structures="LV")
    made.run()
    made.finalize()
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["ct.nii.gz"]
    labels = nibabel.load(tmp_path / "out" / "ct_labels.nii.gz")
    np.testing.assert_allclose(labels.affine, nibabel.load(path).affine, rtol=0, atol=1e-6)
    assert labels.shape == volume.shape
    assert sorted(_report(tmp_path / "out", "ct")["structures"]) == ["LV"]


def test_the_report_tells_which_series_was_read_and_what_was_forced(tmp_path, workflow, caplog, volume):
    shifted = volume + 1024
    for phase in (40, 75):

        def edit(header, index, phase=phase):
            header.NominalPercentageOfCardiacPhase = phase

        write_series(tmp_path / "ct" / str(phase), shifted, series="1.2.3.1", edit=edit)
    write_series(tmp_path / "ct", volume, series="1.2.3.2")
    made = workflow(input=str(tmp_path / "ct"), series_uid="1.2.3.1", phase=75, formats="stl")
    made.run()
    with pytest.raises(SystemExit):
        made.finalize()
    assert _report(tmp_path, "ct")["outcome"] == "shifted_by_1024" and "set `hu_offset` to -1024" in caplog.text
    keys = {"input": str(tmp_path / "ct"), "series_uid": "1.2.3.1", "phase": "75 %", "formats": "stl"}
    for more in ({"force": True}, {"hu_offset": -1024}):
        made = workflow(**keys, **more)
        made.run()
        made.finalize()
        report = _report(tmp_path, "ct")
        assert report["series"]["series_uid"] == "1.2.3.1" and report["series"]["alternatives"] == []
        read = ["phase", *report["forced"]] + ["hu_offset"] * ("hu_offset" in more)
        assert report["outcomes"][: len(read)] == read
        assert report["forced"] == ["shifted_by_1024"] * ("force" in more)


def test_cases_that_an_earlier_run_has_done_are_skipped_and_the_summary_tells(tmp_path, workflow, caplog, volume):
    data, out = tmp_path / "data", tmp_path / "out"
    for name in "abc":
        write_series(data / name, volume)
    broken = sorted((data / "b").iterdir())[20]
    kept = broken.read_bytes()
    broken.unlink()

    def run(**keys) -> dict:
        made = workflow(input=str(data), output_dir=str(out), skip_existing=True, **{"formats": "stl", **keys})
        made.run()
        try:
            made.finalize()
        except SystemExit as ended:
            assert ended.code == 1
        return json.loads((out / "summary.json").read_text())

    summary = run()
    assert [case["status"] for case in summary["cases"]] == ["done", "failed", "done"]
    assert summary["cases"][1]["outcome"] == "missing_slice"
    broken.write_bytes(kept)
    (out / "c_LV.stl").unlink()
    before = {path: path.stat().st_mtime_ns for path in out.iterdir() if path.name.startswith("a_")}
    caplog.set_level("INFO")
    summary = run()
    assert [summary[status] for status in ("done", "skipped", "failed")] == [2, 1, 0]
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    assert "a: done by an earlier run, skipped" in caplog.messages
    assert [summary[status] for status in ("done", "skipped", "failed")] == [2, 1, 0]
    assert run()["skipped"] == 3
    with open(out / "summary.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["case"] for row in rows] == ["a", "b", "c"]
    volumes = [_report(out, "b")["structures"][name]["volume_ml"] for name in ("LA", "LV")]
    assert [float(rows[1][f"{name}_ml"]) for name in ("LA", "LV")] == volumes
    trust = [(rows[1][f"{name}_trust"], float(rows[1][f"{name}_doubt"])) for name in ("LA", "LV")]
    assert trust == [(checks["trust"], checks["doubt"]) for checks in _report(out, "b")["structures"].values()]
    assert run(formats="obj")["done"] == 3
    assert not list(out.glob("*.stl")) and len(list(out.glob("*.obj"))) == 6


def test_dicom_output_stands_beside_its_series_and_is_no_case(tmp_path, workflow, caplog, volume, write_nifti):
    write_series(tmp_path / "a", volume)
    write_nifti(tmp_path / "b.nii.gz", volume)
    caplog.set_level("DEBUG")
    for expected in ("done", "skipped"):
        made = workflow(input=str(tmp_path), formats="stl", dicom_output=True, skip_existing=True)
        made.run()
        made.finalize()
        summary = json.loads((tmp_path / "summary.json").read_text())
        assert [(case["case"], case["status"]) for case in summary["cases"]] == [("a", expected), ("b", expected)]
    assert sorted(path.name for path in tmp_path.glob("*.dcm")) == [
        f"a{ending}" for ending in (".sc.dcm", ".seg.dcm", ".sr.dcm", "_LA.stl.dcm", "_LV.stl.dcm")
    ]
    document = pydicom.dcmread(tmp_path / "a_LV.stl.dcm")
    stl = document.EncapsulatedDocument[: document.EncapsulatedDocumentLength]
    assert stl == (tmp_path / "a_LV.stl").read_bytes()
    told = [part.value for part in pydicom.dcmread(tmp_path / "a.sr.dcm").iterall() if part.keyword == "NumericValue"]
    chambers = _report(tmp_path, "a")["structures"].values()
    trusted = [checks["volume_ml"] for checks in chambers if checks["trust"] != "do not use"]
    assert [float(number) for number in told] == trusted
    assert PATIENT not in caplog.text and PATIENT_ID not in caplog.text


def test_a_zip_has_its_outputs_beside_it(tmp_path, workflow, volume):
    write_series(tmp_path / "elsewhere" / "series", volume)
    shutil.make_archive(str(tmp_path / "data" / "ct"), "zip", tmp_path / "elsewhere")
    made = workflow(input=str(tmp_path / "data"), formats="stl", dicom_output=True)
    made.run()
    made.finalize()
    report = _report(tmp_path / "data", "ct")
    assert report["input"]["file"] == "ct.zip" and report["series"]["slices"] == volume.shape[2]
    names = {"ct_LA.stl", "ct_LV.stl", "ct_LA.stl.dcm", "ct_LV.stl.dcm", "ct.seg.dcm", "ct_labels.nii.gz"}
    assert names <= {path.name for path in (tmp_path / "data").iterdir()}


def test_forced_outcomes_are_marked_in_every_file(tmp_path, workflow, volume):
    write_series(tmp_path / "ct", volume + 1024)
    for force in (True, False):
        keys = {
            "formats": "stl,vtk,ply,obj,glb",
            "dicom_output": True,
            "viewer": installed(),
            "force": force,
            "hu_offset": 0 if force else -1024,
        }
        made = workflow(input=str(tmp_path / "ct"), output_dir=str(tmp_path / "out"), **keys)
        made.run()
        made.finalize()
        marked = set()
        for path in (tmp_path / "out").iterdir():
            content = path.read_bytes()
            if b"FORCED" in (gzip.decompress(content) if path.suffix == ".gz" else content):
                marked.add(path.name)
        files = {name for name in _report(tmp_path / "out", "ct")["files"] if not name.endswith("_preview.png")}
        assert marked == (files if force else set())


def test_one_case_without_an_output_folder_has_no_summary(tmp_path, workflow, volume, write_nifti):
    made = workflow(input=str(write_nifti(tmp_path / "ct.nii.gz", volume)), formats="stl")
    made.run()
    made.finalize()
    assert not list(tmp_path.glob("summary*"))


def test_a_folder_that_cannot_be_written_is_named_before_any_prediction(tmp_path, workflow, volume, write_nifti):
    path = write_nifti(tmp_path / "ct.nii.gz", volume)
    (tmp_path / "out").write_text("a file where the folder should be")
    made = workflow(input=str(path), output_dir=str(tmp_path / "out"))
    said = refusal_of(made.run)
    assert "is no folder" in said and "set `output_dir`" in said
    assert str(tmp_path / "out") not in said


def test_a_folder_that_fails_later_fails_its_case_only(tmp_path, workflow, caplog, volume, write_nifti):
    path = write_nifti(tmp_path / "ct.nii.gz", volume)
    (tmp_path / "out" / ".ct.lock").mkdir(parents=True)
    made = workflow(input=str(path), output_dir=str(tmp_path / "out"))
    made.run()
    (tmp_path / "out" / "summary.csv").mkdir()
    with pytest.raises(SystemExit) as ended:
        made.finalize()
    assert ended.value.code == 1
    assert "no report could be written" in caplog.text and "no summary could be written" in caplog.text


def test_monai_finds_the_properties_it_asks_for(workflow):
    of_the_metadata = {"version", "monai_version", "pytorch_version", "numpy_version", "description"}
    of_the_metadata |= {"spatial_shape", "channel_def", "required_packages_version"}
    assert set(workflow().check_properties() or []) <= of_the_metadata


@pytest.mark.slow
def test_command_line_from_the_repository(tmp_path, run_bundle, volume, write_nifti):
    write_nifti(tmp_path / "ct.nii.gz", volume)
    done = run_bundle("--input", str(tmp_path / "ct.nii.gz"), config=RELATIVE, cwd=ROOT, path=None)
    assert done.returncode == 0, done.stderr
    assert "INFO ct: LA" in done.stderr and str(tmp_path) not in done.stderr
    (tmp_path / "bad.nii").write_bytes(b"no image")
    done = run_bundle("--input", str(tmp_path), config=RELATIVE, cwd=ROOT, path=None)
    assert done.returncode == 1, done.stderr
    done = run_bundle(config=RELATIVE, cwd=ROOT, path=None)
    assert done.returncode == 2, done.stderr
    assert "no input given" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.slow
def test_command_line_from_another_directory(tmp_path, run_bundle, volume, write_nifti):
    path = write_nifti(tmp_path / "ct.nii.gz", volume)
    done = run_bundle("--input", str(path), "--bundle_root", str(ROOT / "bundle"), config=CONFIG, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ct_LA.stl").is_file()


@pytest.mark.slow
def test_command_line_in_the_layout_of_the_zoo(tmp_path, run_bundle, volume, write_nifti):
    """The package lies beside `configs` under another name, and nothing else is on the path."""
    bundle = tmp_path / "bundle_of_the_zoo"
    shutil.copytree(ROOT / "bundle" / "configs", bundle / "configs")
    shutil.copytree(ROOT / "custom", bundle / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    config = bundle / "configs" / "inference.json"
    config.write_text(config.read_text().replace('"custom.', '"scripts.'))
    path = write_nifti(tmp_path / "elsewhere" / "ct.nii.gz", volume)
    shipped = ROOT / "bundle" / "models"
    arguments = ("--input", str(path), "--bundle_root", str(bundle))
    files = (("template", "even_template"), ("parts", "atrial_parts"), ("error", "vertex_error"), ("edges", "edges"))
    for key, name in (*files, *HINGES):
        arguments += (f"--{key}_checkpoint", str(shipped / f"{name}.pt"))
    done = run_bundle(*arguments, config=config, cwd=path.parent, path=None)
    assert done.returncode == 0, done.stderr
    assert (path.parent / "ct_LA.stl").is_file()


@pytest.mark.slow
def test_a_batch_killed_while_it_writes_is_completed_by_the_next_run(tmp_path, start_bundle, volume, write_nifti):
    data = tmp_path / "data"
    for name in ("a", "b", "c"):
        write_nifti(data / f"{name}.nii.gz", volume)
    arguments = ("--input", str(data), "--skip_existing", "True")
    for case in ("a", "b"):
        started = start_bundle(*arguments, config=CONFIG, cwd=ROOT)
        while started.poll() is None and not (data / f".{case}.part").exists():
            time.sleep(0.0002)
        started.kill()
        started.communicate()
        for report in data.glob("*_report.json"):
            assert all((data / name).is_file() for name in json.loads(report.read_text())["files"])
    both = [start_bundle(*arguments, config=CONFIG, cwd=ROOT) for _ in range(2)]  # two at once
    for started in both:
        _, errors = started.communicate(timeout=120)
        assert started.returncode == 0, errors
    assert [len(_report(data, name)["files"]) for name in ("a", "b", "c")] == [6, 6, 6]
    assert not list(data.glob(".*"))
    assert len(json.loads((data / "summary.json").read_text())["cases"]) == 3


@pytest.mark.slow
def test_cases_are_spread_over_two_processes(tmp_path, run_bundle, volume, write_nifti):
    data = tmp_path / "data"
    for name in "abcde":
        write_nifti(data / f"{name}.nii.gz", volume)
    (data / "bad.nii").write_bytes(b"no image")
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    keys = ("--input", str(data), "--formats", "stl", "--device", "cpu")
    done = run_bundle(*keys, config=CONFIG, cwd=ROOT, launcher=launcher)
    assert done.returncode == 1, done.stderr
    lines = [line for line in done.stderr.splitlines() if "INFO" in line and ": LA " in line]
    assert sorted(line.split(": LA")[0][-1] for line in lines) == list("abcde")  # each once
    assert done.stderr.count("1 of 6 cases failed") == 1
    summary = json.loads((data / "summary.json").read_text())
    assert [case["case"] for case in summary["cases"]] == ["a", "b", "bad", "c", "d", "e"]
    assert (summary["done"], summary["failed"]) == (5, 1)
    (data / "bad.nii").unlink()
    done = run_bundle(*keys, "--skip_existing", "True", config=CONFIG, cwd=ROOT, launcher=launcher)
    assert done.returncode == 0, done.stderr
    assert json.loads((data / "summary.json").read_text())["skipped"] == 5


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that not even root can read: Linux's")
def test_a_tilted_series_and_a_folder_that_may_not_be_read(tmp_path, workflow, volume):
    """The label map opens elsewhere, DICOM SEG lies on the slices, and the folder is a case that fails by name."""
    data = tmp_path / "data"
    step = (0.0, 2 * np.tan(np.radians(14)), 2.0)
    write_series(data / "tilted", volume, origin=(0.0, 0.0, 0.0), step=step)
    (data / "closed").mkdir()
    (data / "closed" / "0000").symlink_to("/proc/self/mem")  # of which nobody can read the start
    made = workflow(input=str(data), output_dir=str(tmp_path / "out"), formats="stl", dicom_output=True)
    made.run()
    with pytest.raises(SystemExit):
        made.finalize()
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [(case["case"], case["outcome"]) for case in summary["cases"]] == [
        ("closed", "unreadable_files"),
        ("tilted", ""),
    ]
    image = SimpleITK.ReadImage(str(tmp_path / "out" / "tilted_labels.nii.gz"))
    report = _report(tmp_path / "out", "tilted")
    assert image.GetSize() == tuple(report["label_map"]["shape"]) and image.GetSize()[2] == volume.shape[2]
    segmentation = pydicom.dcmread(tmp_path / "out" / "tilted.seg.dcm")
    assert (segmentation.Columns, segmentation.Rows) == volume.shape[:2]
    voxels = [(SimpleITK.GetArrayViewFromImage(image) == label).sum() * np.prod(image.GetSpacing()) for label in (1, 2)]
    volumes = [report["structures"][name]["volume_ml"] for name in ("LA", "LV")]
    np.testing.assert_allclose(np.array(voxels) / 1000, volumes, rtol=0.02)
