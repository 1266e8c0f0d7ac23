"""What is asked of a header: files that cannot be read, values that are none, and words that may not be quoted."""

from __future__ import annotations

import builtins
import errno
import json
import os
import socket
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_files import misstate, write_enhanced, write_series

from custom.dicom import holds_dicom, is_dicom, read_series
from custom.inference import find_cases
from custom.inputs import Findings, InputError

VOLUME = np.random.default_rng(0).integers(-1000, 1000, (12, 10, 8)).astype(np.int16)
NOBODY = 65534
SECRET = "DOE^JOHN 1931 \x1b[2J"


def _read(folder, force=False, **arguments):
    findings = Findings(force)
    volume = read_series(folder, findings, **arguments)
    return volume, findings.warnings


def _refused(folder, match: str | None, outcome, **arguments):
    with pytest.raises(InputError, match=match) as refused:
        _read(folder, **arguments)
    assert refused.value.outcome == outcome
    return str(refused.value)


def _set(**values):
    def edit(header, index):
        for tag, value in values.items():
            setattr(header, tag, value)

    return edit


@contextmanager
def _as_anybody():
    """As a user whom permissions stop, which they do not stop root."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def folder():
    """One that anybody can enter."""
    if not hasattr(os, "geteuid"):
        pytest.skip("permissions are POSIX's")
    with tempfile.TemporaryDirectory() as made:
        os.chmod(made, 0o755)
        yield Path(made)


def _last(folder: Path, count: int) -> list[Path]:
    """The files of the highest slices, whose absence leaves no gap."""
    return sorted(folder.iterdir(), key=lambda path: pydicom.dcmread(path).ImagePositionPatient[2])[-count:]


def test_slices_that_may_not_be_read_refuse_the_series(folder):
    series = write_series(folder / "ct", VOLUME)
    for path in _last(series, 3):
        path.chmod(0)
    with _as_anybody():
        said = _refused(series, r"3 files or folders cannot be read \(\d{4}: Permission denied\)", "unreadable_files")
        assert str(folder) not in said
        volume, warnings = _read(series, force=True)
    assert volume.values.shape == (12, 10, 5) and list(warnings) == ["unreadable_files"]


def test_slices_that_the_disk_does_not_give_refuse_the_series(tmp_path, monkeypatch):
    series = write_series(tmp_path / "ct", VOLUME)
    lost, opened = set(map(str, _last(series, 2))), builtins.open

    def broken(path, *arguments, **options):
        if str(path) in lost:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return opened(path, *arguments, **options)

    monkeypatch.setattr(builtins, "open", broken)
    _refused(series, r"2 files or folders cannot be read \(\d{4}: Input/output error\)", "unreadable_files")


@pytest.mark.parametrize("mode", [0o000, 0o300, 0o600], ids=["closed", "not to be listed", "not to be entered"])
def test_a_folder_that_may_not_be_read_is_a_case_that_fails(folder, mode):
    write_series(folder / "good", VOLUME)
    closed = write_series(folder / "closed", VOLUME)
    (folder / "empty").mkdir()
    closed.chmod(mode)
    try:
        with _as_anybody():
            assert [case["name"] for case in find_cases(folder)] == ["closed", "good"]
            assert [case["image"] for case in find_cases([closed, folder / "good"])] == [
                str(closed),
                str(folder / "good"),
            ]
            _refused(closed, "cannot be read", "unreadable_files")
            _read(folder / "good")
    finally:
        closed.chmod(0o700)


def test_a_folder_whose_files_may_not_be_read_is_a_case_that_fails(folder):
    write_series(folder / "data" / "good", VOLUME)
    for path in write_series(folder / "data" / "closed", VOLUME).iterdir():
        path.chmod(0)
    with _as_anybody():
        assert [case["name"] for case in find_cases(folder / "data")] == ["closed", "good"]
        assert [case["name"] for case in find_cases(folder / "data" / "closed")] == ["closed"]
        with pytest.raises(PermissionError):
            holds_dicom(folder / "data" / "closed")


def test_what_is_no_file_of_bytes_is_passed_over(tmp_path):
    """Opened, each would wait, or never end."""
    series = write_series(tmp_path / "batch" / "ct", VOLUME)
    (series / "deeper").mkdir()
    for folder in (tmp_path / "batch", series, series / "deeper"):
        os.mkfifo(folder / "0pipe")
        os.symlink("/dev/zero", folder / "0zero")
        os.symlink("nowhere", folder / "0dangling")
        os.symlink("0loop", folder / "0loop")
        os.symlink("0pipe", folder / "0link.nii")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(series / "0socket"))
        assert [case["name"] for case in find_cases(tmp_path / "batch")] == ["ct"]
        assert not is_dicom(series / "0pipe") and not is_dicom(series / "0socket")
        volume, warnings = _read(series)
    np.testing.assert_array_equal(volume.values, VOLUME)
    assert warnings == {}


def test_a_link_to_a_file_is_read(tmp_path):
    series = write_series(tmp_path / "elsewhere", VOLUME)
    (tmp_path / "ct").mkdir()
    for path in series.iterdir():
        os.symlink(path, tmp_path / "ct" / path.name)
    np.testing.assert_array_equal(_read(tmp_path / "ct")[0].values, VOLUME)


FOREIGN = {
    "PhotometricInterpretation": "colour",
    "Modality": "no_ct",
    "RescaleType": "not_hounsfield",
    "SeriesInstanceUID": None,
    "SOPInstanceUID": None,
    "SOPClassUID": None,
    "StudyInstanceUID": None,
    "FrameOfReferenceUID": None,
    "ContrastBolusAgent": None,
    "ImageType": None,
    "ConvolutionKernel": None,
    "SeriesDescription": None,
    "PatientID": None,
    "ImagePositionPatient": "unplaced",
    "PixelSpacing": "unplaced",
    "Rows": "damaged",
    "NumberOfFrames": "damaged",
    "RescaleSlope": "missing_rescale",
}


@pytest.mark.parametrize("tag", FOREIGN)
def test_words_of_a_header_are_never_quoted(tmp_path, tag, capfd, caplog):
    caplog.set_level("DEBUG")
    series = misstate(write_series(tmp_path / "ct", VOLUME), **{tag: SECRET})
    misstate(write_series(tmp_path / "other", VOLUME), **{tag: SECRET + "2", "SeriesNumber": SECRET})
    for folder, force in ((series, False), (tmp_path, False), (tmp_path, True)):
        try:
            volume, warnings = _read(folder, force)
            said = json.dumps([volume.series, warnings])
        except InputError as error:
            said = str(error)
        assert said.isprintable()
        for text in (said, caplog.text, *capfd.readouterr()):
            assert "DOE" not in text and "JOHN" not in text
    if FOREIGN[tag] is None:
        np.testing.assert_array_equal(_read(series)[0].values, VOLUME)
    else:
        _refused(series, None, FOREIGN[tag])


def test_an_unknown_transfer_syntax_is_not_quoted(tmp_path):
    for path in write_series(tmp_path, VOLUME).iterdir():
        known, content = b"1.2.840.10008.1.2.1\0", path.read_bytes()
        assert content.count(known) == 1
        path.write_bytes(content.replace(known, SECRET.encode().ljust(len(known))))
    assert "DOE" not in _refused(tmp_path, "transfer syntax is none that is known", "compression")


def test_known_words_are_quoted(tmp_path):
    write_series(tmp_path / "mr", VOLUME, modality="MR")
    misstate(write_series(tmp_path / "other", VOLUME), Modality=SECRET)
    _refused(tmp_path, r"modalities: MR, unknown", "no_ct")


UNNEEDED = {
    "SeriesNumber": "4a",
    "TriggerTime": "N/A",
    "AcquisitionNumber": "1\\2",
    "NominalPercentageOfCardiacPhase": "75 % of R-R",
    "TemporalPositionIdentifier": "first",
    "PixelPaddingValue": "none",
    "PixelPaddingRangeLimit": "none",
    "ContrastBolusAgentSequence": "no sequence at all",
    "SOPInstanceUID": "1.2.x",
    "FrameOfReferenceUID": "unknown",
    "ImageType": "",
    "SeriesDescription": "",
    "InstanceNumber": "1.5e400",
}


@pytest.mark.parametrize("tag", UNNEEDED)
def test_an_unreadable_tag_that_nothing_needs_counts_as_absent(tmp_path, tag):
    misstate(write_series(tmp_path, VOLUME), **{tag: UNNEEDED[tag]})
    volume, warnings = _read(tmp_path)
    np.testing.assert_array_equal(volume.values, VOLUME)
    assert volume.series["series_number"] == 0 and warnings == {}


NEEDED = {
    "ImagePositionPatient": ("0,5\\1\\2", "unplaced"),
    "ImageOrientationPatient": ("1\\0\\0\\0\\1\\nan", "unplaced"),
    "PixelSpacing": ("0,75\\0,75", "unplaced"),
    "Rows": ("ten", "damaged"),
    "Columns": ("ten", "damaged"),
}


@pytest.mark.parametrize("tag", NEEDED)
def test_an_unreadable_tag_that_is_needed_is_named(tmp_path, tag):
    text, outcome = NEEDED[tag]
    misstate(write_series(tmp_path, VOLUME), **{tag: text})
    _refused(tmp_path, tag, outcome)


@pytest.mark.parametrize("tag", ["Rows", "Columns"])
def test_a_slice_without_its_size_is_no_smaller_series(tmp_path, tag):
    def edit(header, index):
        if index == 7:  # the last: its absence leaves no gap
            delattr(header, tag)

    write_series(tmp_path, VOLUME, edit=edit)
    _refused(tmp_path, tag, "damaged")


def test_a_slice_without_modality_is_ct_by_its_class(tmp_path):
    def edit(header, index):
        if index > 5:
            del header.Modality

    write_series(tmp_path, VOLUME, edit=edit)
    np.testing.assert_array_equal(_read(tmp_path)[0].values, VOLUME)


def test_slices_of_another_modality_are_left_out_with_a_warning(tmp_path):
    def edit(header, index):
        if index > 5:
            header.Modality = "OT"

    write_series(tmp_path, VOLUME, edit=edit)
    volume, warnings = _read(tmp_path)
    assert volume.values.shape[2] == 6 and warnings["left_out"].startswith("2 images")


def test_padding_of_implicit_files_is_signed_as_the_pixels_are(tmp_path):
    def edit(header, index):
        header.PixelRepresentation = 1
        header["PixelPaddingValue"] = pydicom.DataElement("PixelPaddingValue", "SS", -5)
        header.PixelData = np.full(VOLUME.shape[:2], -5 if index else 30, dtype="<i2").tobytes()

    for path in write_series(tmp_path, VOLUME, edit=edit).iterdir():
        header = pydicom.dcmread(path)
        header.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
        header.save_as(path, implicit_vr=True, little_endian=True)
    values = _read(tmp_path)[0].values
    assert (values[..., 0] == 30 - 1024).all() and (values[..., 1:] == -1000).all()


def test_a_file_of_more_frames_than_a_scan_has_is_refused_before_they_are_parsed(tmp_path):
    def edit(header):
        header.NumberOfFrames, header.Rows, header.Columns = 16_000, 512, 512

    write_enhanced(tmp_path, VOLUME, edit=edit)
    _refused(tmp_path, "more voxels than are read", "too_large")


def test_odd_macros_of_an_enhanced_file_do_no_harm(tmp_path):
    def edit(header):
        for frame in header.PerFrameFunctionalGroupsSequence:
            frame.FrameContentSequence = pydicom.Sequence([])
            frame.add(pydicom.DataElement(0x00189103, "LO", "no sequence"))
            frame.add(pydicom.DataElement(0x00091010, "LO", "private"))

    write_enhanced(tmp_path, VOLUME, edit=edit)
    np.testing.assert_array_equal(_read(tmp_path)[0].values, VOLUME)
