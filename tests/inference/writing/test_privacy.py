"""No output and no log holds a patient's name, number or birth date, or the path of the data; DICOM is DICOM's."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from dicom_files import write_series
from stand_in import CONFIG, ROOT

from custom.viewer import installed

PATIENT, BIRTH, NUMBER = "Lindqvistova^Annabella", "19500417", "MRN-8842-0157"
DICOM_ENDINGS = (".stl.dcm", ".seg.dcm", ".sr.dcm", ".sc.dcm")


def _name(header, index):
    header.PatientName, header.PatientID, header.PatientBirthDate = PATIENT, NUMBER, BIRTH
    header.PatientComments = f"{PATIENT}, {BIRTH}"
    header.SeriesDescription = header.StudyDescription = header.ProtocolName = f"heart of {PATIENT}"
    header.InstitutionName = header.ReferringPhysicianName = PATIENT


def _another(header, index):
    _name(header, index)
    header.PatientID = f"{NUMBER}-2"


def _scrambled(header, index):
    """A name in a number's place, which pydicom quotes."""
    _name(header, index)
    if index == 7:
        header["SeriesNumber"].VR, header["SeriesNumber"].value = "LO", PATIENT


def _numbered(header, index):
    header.SeriesNumber = 3
    _scrambled(header, index)


@pytest.fixture
def batch(tmp_path, volume, write_nifti) -> Path:
    """Cases that are done, forced, refused and damaged, below a folder that is named after the patient."""
    data = tmp_path / f"{PATIENT} {BIRTH}"
    write_series(data / "good", volume, edit=_name)
    write_series(data / "forced", volume + 1024, edit=_name)
    write_series(data / "missing", volume, edit=_name, skip=(20,))
    write_series(data / "two", volume, edit=_name)
    write_series(data / "two" / "other", volume, edit=_another)
    write_series(data / "scrambled", volume, edit=_numbered)
    write_nifti(data / "nifti.nii.gz", volume)
    (data / "damaged.nii.gz").write_bytes((data / "nifti.nii.gz").read_bytes()[:900])
    (data / "none.nrrd").write_bytes(b"no image")
    return data


def _assert_silent(text: str, data: Path) -> None:
    for secret in (*PATIENT.split("^"), NUMBER, BIRTH, str(data), str(data.parent / "out")):
        assert secret not in text


def _assert_files_silent(out: Path, data: Path) -> None:
    for path in out.iterdir():
        if not path.name.endswith(DICOM_ENDINGS):
            content = path.read_bytes()
            if path.suffix == ".gz":
                content = gzip.decompress(content)
            _assert_silent(content.decode("latin-1"), data)


def test_files_and_log_of_a_batch(tmp_path, workflow, batch, caplog, capfd):
    caplog.set_level("INFO")
    out = tmp_path / "out"
    made = workflow(input=str(batch), output_dir=str(out), force=True, dicom_output=True, viewer=installed())
    made.run()
    with pytest.raises(SystemExit):
        made.finalize()
    statuses = {case["case"]: case["status"] for case in json.loads((out / "summary.json").read_text())["cases"]}
    assert len(statuses) == 8 and [statuses[name] for name in ("good", "forced", "nifti")] == ["done"] * 3
    assert [statuses[name] for name in ("missing", "two", "damaged", "none")] == ["failed"] * 4
    _assert_files_silent(out, batch)
    for text in (caplog.text, *capfd.readouterr()):
        _assert_silent(text, batch)


@pytest.mark.slow
def test_what_the_command_line_prints(tmp_path, run_bundle, batch):
    out = tmp_path / "out"
    done = run_bundle(
        "--input", str(batch), "--output_dir", str(out), "--dicom_output", "True", config=CONFIG, cwd=ROOT
    )
    assert done.returncode == 1
    # MONAI itself first logs the keys of the call, paths and all, between lines that end so.
    said = (done.stdout + done.stderr).rpartition("---\n")[2]
    assert "good: LA" in said
    _assert_silent(said, batch)
    _assert_files_silent(out, batch)
