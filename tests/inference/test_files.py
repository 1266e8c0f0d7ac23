"""A case's files appear together or not at all."""

from __future__ import annotations

import gzip
import os

import nibabel
import numpy as np
import pytest

from custom.inference.files import encode_nifti, write_together


def test_all_are_written_into_a_new_folder(tmp_path):
    write_together(tmp_path / "new" / "deep", {"a.stl": b"1", "b.json": b"2"})
    written = {path.name: path.read_bytes() for path in (tmp_path / "new" / "deep").iterdir()}
    assert written == {"a.stl": b"1", "b.json": b"2"}


def test_a_failure_leaves_what_was_there(tmp_path):
    write_together(tmp_path, {"a.stl": b"old"})
    with pytest.raises(TypeError):
        write_together(tmp_path, {"a.stl": b"new", "b.stl": "not bytes"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.stl": b"old"}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_leaves_nothing(tmp_path):
    (tmp_path / f".b.stl.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        write_together(tmp_path, {"a.stl": b"1", "b.stl": b"2"})
    assert list(tmp_path.iterdir()) == []


def test_label_map_keeps_its_grid_and_names_nobody(tmp_path):
    labels = np.random.default_rng(0).integers(0, 3, (5, 6, 7)).astype(np.uint8)
    affine = np.array([[0, 0, 2.0, -7], [0, -1.5, 0, 20], [0.5, 0, 0, 3], [0, 0, 0, 1]])
    content = encode_nifti(labels, affine)
    assert content == encode_nifti(labels, affine)
    (tmp_path / "labels.nii.gz").write_bytes(content)
    image = nibabel.load(tmp_path / "labels.nii.gz")
    np.testing.assert_array_equal(np.asanyarray(image.dataobj), labels)
    np.testing.assert_array_equal(image.affine, affine)
    assert image.get_data_dtype() == np.uint8
    assert image.header["descrip"].item() == image.header["db_name"].item() == b""
    assert gzip.decompress(content)[:4] == (348).to_bytes(4, "little")
