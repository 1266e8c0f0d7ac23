"""Which files, and which series, are read of a folder."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pydicom
import pytest
from dicom_files import PATIENT, PATIENT_ID, write_enhanced, write_series
from pydicom.fileset import FileSet
from pydicom.uid import SecondaryCaptureImageStorage

from custom.dicom import holds_dicom, is_dicom, read_series
from custom.inputs import Findings, InputError


def _volume(slices: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-1000, 1000, (12, 10, slices)).astype(np.int16)


def _read(folder, **arguments):
    findings = Findings()
    values, _, series, _ = read_series(folder, findings, **arguments)
    return values, series, findings.warnings


def _set(**values):
    """An edit that sets tags."""

    def edit(header, index):
        for tag, value in values.items():
            setattr(header, tag, value)

    return edit


def test_nested_folders_and_files_that_are_no_slices(tmp_path):
    folder = write_series(tmp_path / "a" / "b", _volume(), series="1.2.3.1")
    for number, path in enumerate(sorted(folder.iterdir())):
        (tmp_path / f"deep{number}").mkdir()
        path.rename(tmp_path / f"deep{number}" / "IM")
    (tmp_path / "notes.txt").write_text("nothing")
    (tmp_path / "empty").touch()
    (tmp_path / "short").write_bytes(b"\x08\0")
    write_series(tmp_path / "state", _volume(2), modality="PR", series="1.2.3.2")
    write_series(tmp_path, _volume(1), series="1.2.3.1", edit=_as_capture)
    values, series, warnings = _read(tmp_path)
    np.testing.assert_array_equal(values, _volume())
    assert series["series_uid"] == "1.2.3.1" and series["chosen_by"] == "only_candidate"
    assert warnings == {}


def _as_capture(header, index):
    header.SOPClassUID = header.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    del header.ImagePositionPatient, header.ImageOrientationPatient


@pytest.mark.parametrize("implicit", [True, False], ids=["implicit", "explicit"])
def test_files_without_preamble_and_meta_header(tmp_path, implicit):
    folder = write_series(tmp_path / "series", _volume())
    for path in folder.iterdir():
        header = pydicom.dcmread(path)
        header.file_meta, header.preamble = pydicom.dataset.FileMetaDataset(), None
        header.save_as(path, implicit_vr=implicit, little_endian=True, enforce_file_format=False)
        assert path.read_bytes()[128:132] != b"DICM" and is_dicom(path)
    np.testing.assert_array_equal(_read(folder)[0], _volume())


def test_a_disc_with_its_dicomdir(tmp_path):
    disc = _disc(tmp_path)
    assert (disc / "DICOMDIR").is_file()
    np.testing.assert_array_equal(_read(disc, series_uid="1.2.3.1")[0], _volume())


def test_files_that_the_dicomdir_names_and_that_are_absent(tmp_path):
    """The last slices missing leaves no gap: only the DICOMDIR tells."""
    disc = _disc(tmp_path)
    heights = {path: _height(path, "1.2.3.1") for path in disc.rglob("*") if path.is_file()}
    of_series = sorted((path for path, height in heights.items() if height is not None), key=heights.get)
    for path in of_series[-2:]:
        path.unlink()
    with pytest.raises(InputError, match="2 files of the series that the DICOMDIR names are absent") as refused:
        _read(disc, series_uid="1.2.3.1")
    assert refused.value.outcome == "absent_files"
    np.testing.assert_array_equal(_read(disc, series_uid="1.2.3.2")[0], _volume(seed=2))
    findings = Findings(force=True)
    assert read_series(disc, findings, "1.2.3.1")[0].shape == (12, 10, 4) and findings.forced == ["absent_files"]


def test_a_damaged_dicomdir_does_no_harm(tmp_path):
    disc = _disc(tmp_path)
    content = (disc / "DICOMDIR").read_bytes()
    for damaged in (content[:600], content.replace(b"SERIES", b"SERIOS"), content.replace(b"1.2.3.1", b"\xff" * 7)):
        (disc / "DICOMDIR").write_bytes(damaged)
        np.testing.assert_array_equal(_read(disc, series_uid="1.2.3.1")[0], _volume())


def _disc(tmp_path):
    """A disc of two series, 1.2.3.1 and 1.2.3.2."""
    edit = _set(StudyDate="20260101", StudyTime="120000", StudyID="1", SeriesNumber=1, AccessionNumber="")
    disc = FileSet()
    for number in (1, 2):
        volume = _volume(seed=0 if number == 1 else 2)
        for path in write_series(tmp_path / str(number), volume, edit=edit, series=f"1.2.3.{number}").iterdir():
            disc.add(path)
    disc.write(tmp_path / "disc")
    return tmp_path / "disc"


def _height(path, series):
    header = pydicom.dcmread(path)
    return header.ImagePositionPatient[2] if header.get("SeriesInstanceUID") == series else None


def test_other_files_are_no_dicom(tmp_path):
    assert not holds_dicom(tmp_path)
    for content in (b"", b"\x5c\1\0\0", b"\x08\0 text", b"\x89PNG", b"solid stl" * 40, bytes(400)):
        (tmp_path / "file").write_bytes(content)
        assert not is_dicom(tmp_path / "file")
    assert not is_dicom(tmp_path / "missing") and not is_dicom(tmp_path)


MERITS = {
    "whole_heart": ({"slices": 60}, {"slices": 25}),
    "whole_heart by its count": ({"slices": 20, "step": 6.0}, {"slices": 19, "step": 6.0}),
    "whole_heart by its height": ({"slices": 51}, {"slices": 50}),
    "original": ({}, {"ImageType": ["DERIVED", "SECONDARY", "MPR"]}),
    "contrast": ({"ContrastBolusAgent": "agent"}, {}),
    "cardiac": ({"SeriesDescription": "CORONARY CTA"}, {"SeriesDescription": "CORONAL"}),
    "phase": ({"SeriesDescription": "heart 70 %"}, {"SeriesDescription": "heart 30 %"}),
    "phase, one unknown": ({"SeriesDescription": "heart 30 %"}, {"SeriesDescription": "heart"}),
    "phase unknown, one far": ({"SeriesDescription": "heart"}, {"SeriesDescription": "heart 20 %"}),
    "smooth": ({"ConvolutionKernel": "Bv40f"}, {"ConvolutionKernel": "Br69"}),
    "slices": ({"slices": 61}, {"slices": 60}),
    "order": ({"SeriesNumber": 2}, {"SeriesNumber": 10}),
}


@pytest.mark.parametrize("rule", MERITS)
@pytest.mark.parametrize("first", [0, 1])
def test_each_rule_decides_between_two_series_that_it_alone_tells_apart(tmp_path, rule, first):
    for number in (first, 1 - first):
        tags = dict(MERITS[rule][number])
        volume, spacing = _volume(tags.pop("slices", 60)), (1.5, 1.25, tags.pop("step", 2.0))
        write_series(tmp_path / str(number), volume, spacing=spacing, series=f"1.2.3.{number}", edit=_set(**tags))
    rule = re.split("[ ,]", rule)[0]
    _, series, warnings = _read(tmp_path)
    assert list(warnings) == ["several_series"] and f"`{rule}`" in warnings["several_series"]
    assert (series["series_uid"], series["chosen_by"]) == ("1.2.3.0", rule)
    assert [other["series_uid"] for other in series["alternatives"]] == ["1.2.3.1"]


def test_thinner_slices_are_better(tmp_path):
    write_series(tmp_path / "a", _volume(60), series="1.2.3.0", spacing=(1, 1, 2.5))
    write_series(tmp_path / "b", _volume(55), series="1.2.3.1", spacing=(1, 1, 2.0))
    assert [_read(tmp_path)[1][key] for key in ("series_uid", "chosen_by")] == ["1.2.3.1", "thin"]


def test_a_series_by_its_uid(tmp_path):
    write_series(tmp_path / "a", _volume(60), series="1.2.3.0")
    write_series(tmp_path / "b", _volume(), series="1.2.3.1")
    values, series, _ = _read(tmp_path, series_uid="1.2.3.1")
    np.testing.assert_array_equal(values, _volume())
    assert series["chosen_by"] == "series_uid"
    with pytest.raises(InputError, match=r"no series 1\.9; there are 1\.2\.3\.0, 1\.2\.3\.1") as refused:
        _read(tmp_path, series_uid="1.9")
    assert refused.value.outcome == "no_series"


def test_two_patients_are_refused_without_being_named(tmp_path):
    write_series(tmp_path / "a", _volume(60), series="1.2.3.0")
    write_series(tmp_path / "b", _volume(), series="1.2.3.1", edit=_set(PatientID="Joe-0815"))
    write_series(tmp_path / "c", _volume(), series="1.2.3.2", edit=_set(PatientID="", PatientName=""))
    with pytest.raises(InputError, match="2 patients") as refused:
        _read(tmp_path)
    assert refused.value.outcome == "two_patients"
    assert not any(text in str(refused.value) for text in (PATIENT, PATIENT_ID, "Joe-0815", str(tmp_path)))
    np.testing.assert_array_equal(_read(tmp_path, series_uid="1.2.3.1")[0], _volume())


def test_localizers_are_left_out(tmp_path):
    series = "1.2.3.0"
    write_series(tmp_path, _volume(), series=series)
    localizer = _set(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    write_series(tmp_path / "same plane", _volume(1), series=series, edit=localizer)
    write_series(tmp_path / "other plane", _volume(1), series=series, across=(0, 1, 0), down=(0, 0, -1))
    values, chosen, warnings = _read(tmp_path)
    np.testing.assert_array_equal(values, _volume())
    assert chosen["slices"] == 6 and list(warnings) == ["left_out"] and warnings["left_out"].startswith("2 images")
    with pytest.raises(InputError, match="no CT images but localizers") as refused:
        _read(tmp_path / "same plane")
    assert refused.value.outcome == "no_ct"


@pytest.mark.parametrize("kind", ["MIP", "MINIP", "PROJECTION IMAGE"])
def test_a_projection_is_read_with_a_warning(tmp_path, kind):
    write_series(tmp_path, _volume(), edit=_set(ImageType=["DERIVED", "SECONDARY", "AXIAL", kind]))
    assert list(_read(tmp_path)[2]) == ["projected"]


@pytest.mark.parametrize(("by", "left_out"), [(0.0005, False), (0.002, True)])
def test_pixels_of_another_size_are_left_out(tmp_path, by, left_out):
    def edit(header, index):
        if index == 5:
            header.PixelSpacing = [1.25, 1.5 + by]

    write_series(tmp_path, _volume(), edit=edit)
    values, _, warnings = _read(tmp_path)
    assert values.shape[2] == 6 - left_out and list(warnings) == ["left_out"] * left_out


def test_only_ct_is_read(tmp_path):
    with pytest.raises(InputError, match="no DICOM series"):
        _read(tmp_path)
    write_series(tmp_path, _volume(), modality="MR")
    with pytest.raises(InputError, match=r"modalities: MR.*only CT is read"):
        _read(tmp_path)


def test_a_damaged_file_is_mentioned(tmp_path):
    folder = write_series(tmp_path, _volume())
    content = bytearray((folder / "0000").read_bytes())
    content[132:140] = b"\xff" * 8
    (folder / "broken").write_bytes(content)
    values, _, warnings = _read(tmp_path)
    assert values.shape == (12, 10, 6)
    assert list(warnings) == ["damaged_files"]


def test_a_damaged_header_is_named(tmp_path):
    def edit(header, index):
        header["Rows"] = pydicom.DataElement("Rows", "LO", "many") if index == 3 else header["Rows"]

    write_series(tmp_path, _volume(), edit=edit)
    with pytest.raises(InputError, match=r"\d{4}: its header is damaged: no Rows") as refused:
        _read(tmp_path)
    assert refused.value.outcome == "damaged"


def test_damage_in_a_series_that_is_not_read_does_no_harm(tmp_path):
    write_series(tmp_path / "good", _volume(60), series="1.2.3.0")
    write_series(tmp_path / "bad", _volume(), series="1.2.3.1", edit=_set(PixelSpacing=[1]))
    assert _read(tmp_path)[1]["series_uid"] == "1.2.3.0"
    for chosen in (tmp_path / "bad", tmp_path):
        with pytest.raises(InputError, match="no PixelSpacing of 2 numbers"):
            _read(chosen, series_uid="1.2.3.1")


def test_copies_of_slices_are_passed_over(tmp_path):
    folder = write_series(tmp_path / "a", _volume())
    shutil.copytree(folder, tmp_path / "b")
    values, _, warnings = _read(tmp_path)
    np.testing.assert_array_equal(values, _volume())
    assert list(warnings) == ["copies"]


def test_files_of_one_uid_are_copies_only_where_their_pixels_are_the_same(tmp_path):
    """As one uid for all, or none, by which two scans would be mixed."""
    for uid in ("1.2.5", ""):
        for number in (1, 2):
            edit = _set(SOPInstanceUID=uid)
            write_series(tmp_path / str(number), _volume(seed=number), series="1.2.3.0", edit=edit)
        with pytest.raises(InputError, match="6 of the slices lie where another one lies") as refused:
            _read(tmp_path)
        assert refused.value.outcome == "duplicate_slice"


def test_phases_of_one_uid_are_told_apart(tmp_path):
    for number in (1, 2):
        edit = _set(SOPInstanceUID="1.2.5", TriggerTime=100 * number)
        write_series(tmp_path / str(number), _volume(seed=number), series="1.2.3.0", edit=edit)
    values, _, warnings = _read(tmp_path, phase=200)
    np.testing.assert_array_equal(values, _volume(seed=2))
    assert list(warnings) == ["phase"]


def _uid_each(slices: int):
    """An edit that gives every so many slices a SeriesInstanceUID of their own."""

    def edit(header, index):
        header.SeriesInstanceUID = f"1.2.3.{index // slices}"

    return edit


@pytest.mark.parametrize(
    ("slices", "said"),
    [(1, "24 series of one slice"), (2, "12 series of 2 slices"), (5, "5 series of 4 to 5 slices"), (12, "2 series")],
)
def test_a_series_of_many_uids_is_named(tmp_path, slices, said):
    write_series(tmp_path, _volume(24), edit=_uid_each(slices))
    for series_uid in (None, "1.2.3.1"):
        with pytest.raises(InputError, match=f"{said}.*were the UIDs changed") as refused:
            _read(tmp_path, series_uid=series_uid)
        assert refused.value.outcome == "changed_uids"


@pytest.mark.parametrize("image_type", [["ORIGINAL", "PRIMARY", "LOCALIZER"], ["ORIGINAL", "PRIMARY", "AXIAL"]])
def test_a_series_of_many_uids_is_named_though_a_localizer_lies_beside_it(tmp_path, image_type):
    write_series(tmp_path, _volume(24), edit=_uid_each(1))
    tags = {"ImageType": image_type, "SeriesNumber": 0, "ContrastBolusAgent": "agent"}
    write_series(
        tmp_path / "beside", _volume(1), across=(0, 1, 0), down=(0, 0, -1), series="1.2.3.99", edit=_set(**tags)
    )
    with pytest.raises(InputError, match="24 series of one slice") as refused:
        _read(tmp_path)
    assert refused.value.outcome == "changed_uids"


def test_a_large_series_of_several_uids_is_named_by_its_number(tmp_path):
    def edit(header, index):
        header.SeriesInstanceUID, header.SeriesNumber = f"1.2.3.{index % 2}", 7

    write_series(tmp_path, _volume(60), edit=edit)
    with pytest.raises(InputError, match="2 series of 30 slices") as refused:
        _read(tmp_path)
    assert refused.value.outcome == "changed_uids"


def test_series_side_by_side_are_no_parts_of_one(tmp_path):
    """A single slice beside a scan, and scans of chest and abdomen."""
    write_series(tmp_path / "scan", _volume(19), series="1.2.3.0")
    write_series(tmp_path / "single", _volume(1), series="1.2.3.1", origin=(-60.0, -200.0, 0.0))
    np.testing.assert_array_equal(_read(tmp_path)[0], _volume(19))
    write_series(tmp_path / "chest", _volume(60), series="1.2.3.2", edit=_set(SeriesNumber=2))
    below = {"origin": (-60.0, -200.0, 250.0), "series": "1.2.3.3", "edit": _set(SeriesNumber=3)}
    write_series(tmp_path / "abdomen", _volume(60), **below)
    assert _read(tmp_path)[1]["series_uid"] == "1.2.3.2"


def test_phases_are_listed_and_one_is_chosen(tmp_path):
    for percent in (40, 75):
        edit = _set(NominalPercentageOfCardiacPhase=percent, AcquisitionNumber=1)
        write_series(tmp_path / str(percent), _volume(seed=percent), series="1.2.3.0", edit=edit)
    with pytest.raises(InputError, match="2 phases: set `phase` to one cardiac phase of 40 %, 75 %") as refused:
        _read(tmp_path)
    assert refused.value.outcome == "phases"
    for phase in (40, "40", "40 %", "40%"):
        values, _, warnings = _read(tmp_path, phase=phase)
        np.testing.assert_array_equal(values, _volume(seed=40))
        assert warnings == {"phase": "cardiac phase 40 % was read, of 40 %, 75 %"}
    with pytest.raises(InputError, match="no phase 50"):
        _read(tmp_path, phase=50)
    assert list(_read(tmp_path / "40", phase=75)[2]) == ["phase_not_needed"]


@pytest.mark.parametrize("tag", ["TemporalPositionIdentifier", "TriggerTime", "AcquisitionNumber"])
def test_phases_by_other_tags(tmp_path, tag):
    for number in (1, 2):
        write_series(tmp_path / str(number), _volume(seed=number), series="1.2.3.0", edit=_set(**{tag: number}))
    np.testing.assert_array_equal(_read(tmp_path, phase=2)[0], _volume(seed=2))


def test_phases_of_an_enhanced_file(tmp_path):
    write_enhanced(tmp_path, _volume(), phases=(30, 70))
    np.testing.assert_array_equal(_read(tmp_path, phase=30)[0], _volume() + 30)
    with pytest.raises(InputError, match="30 %, 70 %"):
        _read(tmp_path)


def test_slices_at_one_place_that_nothing_tells_apart(tmp_path):
    write_series(tmp_path / "a", _volume(), series="1.2.3.0")
    write_series(tmp_path / "b", _volume(seed=1), series="1.2.3.0", skip=(0, 1, 2, 3))
    with pytest.raises(InputError, match="2 of the slices lie where another one lies") as refused:
        _read(tmp_path)
    assert refused.value.outcome == "duplicate_slice"


def test_slices_all_at_one_place(tmp_path):
    def number(header, index):
        header.AcquisitionNumber = index

    write_series(tmp_path, _volume(), step=(0, 0, 0), edit=number)
    with pytest.raises(InputError, match="all 6 slices lie at one place") as refused:
        _read(tmp_path)
    assert refused.value.outcome == "one_position"
