"""Which cases a call means."""

from __future__ import annotations

import numpy as np
import pytest
from dicom_files import write_series

from custom.inference import InputError, find_cases

VOLUME = np.zeros((4, 4, 3), dtype=np.int16)


def _names(cases):
    return [case["name"] for case in cases]


@pytest.mark.parametrize("name", ["ct.nii.gz", "ct.nii", "ct.nrrd", "ct.MHA", "ct.zip"])
def test_a_file(tmp_path, name):
    path = tmp_path / name
    path.touch()
    assert find_cases(str(path)) == [{"image": str(path), "name": "ct", "folder": str(tmp_path)}]
    assert find_cases([path], tmp_path / "out")[0]["folder"] == str(tmp_path / "out")


def test_dots_in_a_name_stay(tmp_path):
    (tmp_path / "a.b.1.nii.gz").touch()
    assert _names(find_cases(tmp_path / "a.b.1.nii.gz")) == ["a.b.1"]


def test_a_dicom_folder_or_one_of_its_files(tmp_path):
    folder = write_series(tmp_path / "series", VOLUME)
    expected = [{"image": str(folder), "name": "series", "folder": str(tmp_path)}]
    assert find_cases(folder) == expected
    (folder / "DICOMDIR").write_bytes((folder / "0000").read_bytes())
    assert find_cases(folder / "DICOMDIR") == expected
    assert find_cases(folder / "0000") == [{**expected[0], "image": str(folder / "0000")}]


def test_a_folder_with_dicom_in_it_is_one_case_and_a_folder_of_such_is_a_batch(tmp_path):
    write_series(tmp_path / "batch" / "second" / "study" / "series", VOLUME, series="1.2.9")
    first = write_series(tmp_path / "batch" / "first", VOLUME)
    write_series(first / "deeper", VOLUME)
    assert _names(find_cases(first)) == ["first"]
    assert _names(find_cases(tmp_path / "batch")) == ["first", "second"]
    assert _names(find_cases(tmp_path / "batch", series_uid="1.2.9")) == ["batch"]


def test_a_folder_of_cases_leaves_out_what_is_none(tmp_path):
    write_series(tmp_path / "series", VOLUME)
    for name in (
        "b.nii.gz",
        "b_labels.nii.gz",
        "b_LA.stl",
        "b_report.json",
        "notes.txt",
        "a.mha",
        "c.zip",
        ".hidden.nii.gz",
    ):
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    assert _names(find_cases(tmp_path)) == ["a", "b", "c", "series"]


def test_dicom_that_was_written_here_is_no_case(tmp_path):
    write_series(tmp_path / "series", VOLUME)
    for folder in (tmp_path, tmp_path / "out"):
        folder.mkdir(exist_ok=True)
        for ending in ("_LA.stl.dcm", ".seg.dcm", ".sr.dcm", ".sc.dcm"):
            (folder / f"series{ending}").write_bytes((tmp_path / "series" / "0000").read_bytes())
    assert _names(find_cases(tmp_path)) == ["series"]


def test_a_list_of_several_kinds_without_doubles(tmp_path):
    folder = write_series(tmp_path / "series", VOLUME)
    (tmp_path / "ct.nii.gz").touch()
    assert _names(find_cases([tmp_path / "ct.nii.gz", folder, folder])) == ["ct", "series"]


def test_nothing_given_is_no_case():
    assert find_cases("") == find_cases([]) == []


def test_wrong_calls(tmp_path):
    (tmp_path / "notes.txt").write_text("not an image")
    with pytest.raises(InputError, match="no such file"):
        find_cases(tmp_path / "missing.nii.gz")
    with pytest.raises(InputError, match="notes.txt: not a kind of image"):
        find_cases(tmp_path / "notes.txt")
    with pytest.raises(InputError, match="holds no image"):
        find_cases(tmp_path)
    with pytest.raises(InputError, match="cannot be opened: File name too long"):
        find_cases(tmp_path / ("long" * 100))


def test_two_cases_of_one_name_are_refused(tmp_path):
    for name in ("ct.nii.gz", "ct.nrrd"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match="same files ct_"):
        find_cases(tmp_path)
