"""A zip stands for the one case in it, and nothing in it decides what is written where."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import nibabel
import numpy as np
import pytest
from dicom_files import write_series

from custom.inputs import Findings, InputError
from custom.reading.archives import MOST_FILES, opened
from custom.reading.ct import read_ct


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _refused(path: Path, match: str, outcome: str) -> None:
    with pytest.raises(InputError, match=match) as refused:
        with opened(path):
            pass
    assert refused.value.outcome == outcome


def _patched(path: Path, **fields: int) -> Path:
    """Change fields of every entry of an archive's directory, by their offsets and sizes there (APPNOTE 4.3.12)."""
    places = {"flags": (8, "<H"), "method": (10, "<H"), "size": (24, "<I")}
    content, place = bytearray(path.read_bytes()), -1
    while (place := content.find(b"PK\x01\x02", place + 1)) >= 0:
        for name, value in fields.items():
            struct.pack_into(places[name][1], content, place + places[name][0], value)
    path.write_bytes(content)
    return path


def _read(path: Path) -> np.ndarray:
    return read_ct(str(path), Findings())[1].T


def test_a_zipped_series_and_a_zipped_image_are_read_as_if_unpacked(tmp_path):
    volume = np.random.default_rng(0).integers(-1000, 1000, (12, 10, 8)).astype(np.int16)
    folder = write_series(tmp_path / "series", volume)
    files = {f"study/series/{path.name}": path.read_bytes() for path in folder.iterdir()}
    rubbish = {"__MACOSX/study/._0001": b"\0\5\x16\7", "study/notes.txt": b"text"}
    np.testing.assert_array_equal(_read(_zip(tmp_path / "a.zip", files | rubbish)), _read(folder))
    image = tmp_path / "ct.nii.gz"
    nibabel.save(nibabel.Nifti1Image(volume, np.diag([-2.0, -2.0, 2.0, 1.0])), image)
    files = {"deep/ct.nii.gz": image.read_bytes(), "deep/._ct.nii.gz": b"\0\5\x16\7", "ct_labels.nii.gz": b""}
    np.testing.assert_array_equal(_read(_zip(tmp_path / "b.ZIP", files)), _read(image))


def test_what_was_unpacked_is_gone_afterwards(tmp_path):
    path = _zip(tmp_path / "a.zip", {"ct.nii": b"no image"})
    with opened(path) as inside:
        assert inside.read_bytes() == b"no image"
    assert not inside.parent.exists()
    with pytest.raises(InputError, match="a.zip|ct.nii"):
        _read(path)
    assert list(tmp_path.iterdir()) == [path]


def test_other_inputs_are_left_as_they_are(tmp_path):
    with opened(tmp_path) as inside:
        assert inside == tmp_path


def test_no_path_of_the_archive_leads_outside(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    outside = tmp_path / "outside.nii"
    link = ZipInfo("link.nrrd")
    link.external_attr = 0o120777 << 16
    names = ("../../outside.nii", f"{outside}", "a\\..\\..\\outside.nii", "a/../../../outside.nii")
    for name in names:
        with opened(_zip(tmp_path / "a.zip", {name: b"1"})) as inside:
            assert inside.read_bytes() == b"1" and inside.is_relative_to(tmp_path) and not outside.exists()
    with ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with opened(tmp_path / "b.zip") as inside:
        assert not inside.is_symlink() and inside.read_bytes() == b"/etc/passwd"


@pytest.mark.parametrize("name", ["/etc/passwd", "../../secret.raw"])
def test_a_header_names_no_file_outside(tmp_path, name):
    header = f"NRRD0004\ntype: short\ndimension: 3\nsizes: 4 4 4\nencoding: raw\ndata file: {name}\n\n".encode()
    with pytest.raises(InputError, match="names a file outside its folder") as refused:
        _read(_zip(tmp_path / "a.zip", {"ct.nrrd": header}))
    assert refused.value.outcome == "outside"


def test_what_no_archive_may_claim(tmp_path):
    path = tmp_path / "a.zip"
    _refused(_patched(_zip(path, {"ct.nii": b"1"}), flags=1), "encrypted: unpack it", "encrypted")
    _refused(_patched(_zip(path, {"ct.nii": b"1"}), method=9), "compression is not read", "compression")
    _refused(_patched(_zip(path, {"ct.nii": b"1"}), size=2**31), "a zip bomb", "zip_bomb")
    many = {f"{number}.nii": b"" for number in range(20)}
    _refused(_patched(_zip(path, many), size=2**32 - 2), "claims 20 files of 80.0 GiB", "too_large")


def test_more_files_than_any_case_has(tmp_path, monkeypatch):
    monkeypatch.setattr("custom.reading.archives.MOST_FILES", 3)
    assert MOST_FILES > 3
    _refused(_zip(tmp_path / "a.zip", {str(number): b"" for number in range(4)}), "claims 4 files", "too_large")


def test_a_file_never_gets_more_bytes_than_were_checked(tmp_path):
    """The directory says 10 bytes where the stream holds a million."""
    path = _patched(_zip(tmp_path / "a.zip", {"ct.nii": bytes(1_000_000)}), size=10)
    with pytest.raises(InputError) as refused:
        _read(path)
    assert refused.value.outcome == "unreadable"


def test_archives_that_hold_no_case_or_several(tmp_path):
    path = tmp_path / "a.zip"
    _refused(_zip(path, {}), "no image that is read here", "no_case")
    _refused(_zip(path, {"notes.txt": b"text"}), "no image that is read here", "no_case")
    _refused(_zip(path, {"a.nii": b"1", "b.mha": b"2"}), "holds 2 images", "no_case")
    _refused(
        _zip(path, {"x/../a.nii": b"1", "x/a.nii": b"2", "x/./a.nii": b"3"}), "several files of one name", "damaged"
    )
    for members in ({"x": b"1", "x/a.nii": b"2"}, {"x/a.nii": b"1", "x": b"2"}):
        _refused(_zip(path, members), "a file and a folder of one name", "damaged")


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive" * 50])
def test_what_is_no_archive(tmp_path, content):
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(InputError, match="a.zip cannot be read") as refused:
        _read(path)
    assert refused.value.outcome == "unreadable"


def test_an_archive_cut_off(tmp_path):
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        archive.writestr("ct.nii", os.urandom(5000))
    (tmp_path / "a.zip").write_bytes(buffer.getvalue()[:3000])
    with pytest.raises(InputError, match="a.zip cannot be read: is it complete"):
        _read(tmp_path / "a.zip")
