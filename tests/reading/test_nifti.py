"""NIfTI: what of a header is believed, and what a file is that is none."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

import nibabel
import numpy as np
import pytest
from nibabel.nifti1 import Nifti1Header

from custom.inputs import Findings, InputError
from custom.reading.ct import read_volume
from custom.reading.loading import read_isolated

VOLUME = np.random.default_rng(0).integers(-1000, 1000, (6, 5, 4)).astype(np.int16)
AFFINE = np.array([[-0.9, 0, 0, 100.0], [0, 0, 1.5, -80.0], [0, -1.1, 0, 60.0], [0, 0, 0, 1]])
OTHER = AFFINE + [[0, 0, 0, 3.0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
NAN = float("nan")


def _write(path: Path, sform=AFFINE, qform=AFFINE, codes=(1, 1), kind=nibabel.Nifti1Image, **fields) -> Path:
    """A file of `VOLUME` whose header then gets other `fields` as they are."""
    image = kind(VOLUME, None)
    image.set_qform(qform, code=codes[1])
    image.set_sform(sform, code=codes[0])
    content = bytearray(image.to_bytes())
    header = type(image.header)(bytes(content[: image.header.sizeof_hdr]), check=False)
    for name, value in fields.items():
        header[name] = value
    content[: header.sizeof_hdr] = header.binaryblock
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def _read(path: Path, force: bool = False) -> tuple[np.ndarray, np.ndarray, dict[str, str]]:
    facts, values = read_volume(str(path), findings := Findings(force))
    return values.T, np.array(facts["affine"]), findings.warnings


def _refused(path: Path, outcome: str, match: str) -> None:
    with pytest.raises(InputError, match=match) as refused:
        _read(path)
    assert refused.value.outcome == outcome
    assert str(path.parent) not in str(refused.value)


TURNED = {"quatern_b": 1.000001, "quatern_c": 0, "quatern_d": 0}
LONG = {"quatern_b": 0.9, "quatern_c": 0.9, "quatern_d": 0}
NONE = {f"srow_{axis}": 0 for axis in "xyz"}
FORMS = {
    "a quaternion a little too long, and a sform": (TURNED, OTHER, ["sform_qform"]),
    "a quaternion far too long, and a sform": (LONG, OTHER, ["sform_qform"]),
    "a quaternion of NaN, and a sform": ({"quatern_c": NAN}, OTHER, ["sform_qform"]),
    "an offset of NaN, and a sform": ({"qoffset_x": NAN}, OTHER, ["sform_qform"]),
    "a sform of zeros, and a qform": (NONE, AFFINE, ["sform_qform"]),
    "a flat sform, and a qform": ({"srow_x": (0, 1.5, 0, 1), "srow_y": (0, 1.5, 0, 1)}, AFFINE, ["sform_qform"]),
    "a sform of NaN, and a qform": ({"srow_y": NAN}, AFFINE, ["sform_qform"]),
    "an infinite sform, and a qform": ({"srow_y": np.inf}, AFFINE, ["sform_qform"]),
    "no qfac": ({"pixdim": (0, 0.9, 1.1, 1.5, 0, 0, 0, 0)}, OTHER, ["sform_qform"]),
    "pixdim of zeros": ({"pixdim": 0}, OTHER, ["sform_qform"]),
    "a code of length that is not known": ({"xyzt_units": 5}, OTHER, ["sform_qform", "units"]),
    "a unit of time": ({"xyzt_units": 2 + 8}, OTHER, ["sform_qform"]),
}


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("what", FORMS)
def test_the_form_that_can_be_right_counts(tmp_path, what, kind):
    fields, affine, warned = FORMS[what]
    values, found, warnings = _read(_write(tmp_path / "ct.nii", sform=OTHER, kind=kind, **fields), force=True)
    np.testing.assert_array_equal(values, VOLUME)
    np.testing.assert_allclose(found, affine, atol=1e-4)
    assert list(warnings) == warned


def test_a_turn_by_180_degrees_whose_quaternion_is_a_little_too_long(tmp_path):
    """Alone it is read, and with a sform that agrees there is nothing to warn of."""
    flipped = np.diag([0.9, -1.1, -1.5, 1.0])  # a turn about x
    for codes in ((0, 1), (1, 1)):
        path = _write(tmp_path / "ct.nii", flipped, flipped, codes, **TURNED)
        _, affine, warnings = _read(path)
        np.testing.assert_allclose(affine, flipped, atol=1e-3)
        assert warnings == {}


def test_neither_form_can_be_right(tmp_path):
    _refused(_write(tmp_path / "ct.nii", **NONE, **LONG), "damaged", "do not span a volume")
    _refused(_write(tmp_path / "ct.nii", codes=(0, 1), **LONG), "damaged", "do not span a volume")
    _refused(_write(tmp_path / "ct.nii", codes=(1, 0), **NONE), "damaged", "do not span a volume")


def test_a_qfac_of_zero_counts_as_one(tmp_path):
    upright = np.diag([0.9, 1.1, 1.5, 1.0])
    path = _write(tmp_path / "ct.nii", upright, upright, (0, 1), pixdim=(0, 0.9, 1.1, 1.5, 0, 0, 0, 0))
    np.testing.assert_allclose(_read(path)[1], upright, atol=1e-6)


SCALES = {
    "none": ((0, NAN), lambda stored: stored),
    "none, by nibabel's sign": ((NAN, NAN), lambda stored: stored),
    "both": ((0.5, -3), lambda stored: stored * 0.5 - 3),
}


@pytest.mark.parametrize("what", SCALES)
def test_scales(tmp_path, what):
    (slope, intercept), expected = SCALES[what]
    path = _write(tmp_path / "ct.nii.gz", scl_slope=slope, scl_inter=intercept)
    np.testing.assert_allclose(_read(path)[0], expected(VOLUME))


@pytest.mark.parametrize("scale", [(1, NAN), (1, np.inf), (np.inf, 0), (-np.inf, 0), (NAN, -1024)])
def test_scales_that_are_no_numbers_are_named(tmp_path, scale):
    path = _write(tmp_path / "ct.nii", scl_slope=scale[0], scl_inter=scale[1])
    _refused(path, "damaged", "scl_slope .* and scl_inter .* give no values")


@pytest.mark.parametrize("kind", ["<i2", ">i2", "<u2", "i1", "u1", ">i4", "<u4", "<i8", ">u8", "<f4", ">f8"])
def test_numbers_as_nibabel_reads_them(tmp_path, kind):
    dtype = np.dtype(kind)
    volume = (np.abs(VOLUME) // 8 if dtype.kind == "u" else VOLUME // 8).astype(dtype)
    header = Nifti1Header(endianness=">" if kind[0] == ">" else "<")
    header.set_data_dtype(dtype)
    for name in ("ct.nii", "ct.nii.gz"):
        nibabel.save(nibabel.Nifti1Image(volume, AFFINE, header), tmp_path / name)
        np.testing.assert_array_equal(_read(tmp_path / name)[0], volume)


def test_gzip_is_known_by_its_bytes(tmp_path):
    content = _write(tmp_path / "ct.nii").read_bytes()
    (tmp_path / "ct.nii").write_bytes(gzip.compress(content))
    np.testing.assert_array_equal(_read(tmp_path / "ct.nii")[0], VOLUME)
    parts = gzip.compress(content[:400]) + gzip.compress(content[400:]) + bytes(64)  # as pigz and tapes leave it
    (tmp_path / "ct.nii.gz").write_bytes(parts)
    np.testing.assert_array_equal(_read(tmp_path / "ct.nii.gz")[0], VOLUME)


def test_a_wrong_checksum_is_damage_and_an_early_end_is_not(tmp_path):
    path = _write(tmp_path / "ct.nii.gz")
    content = path.read_bytes()
    path.write_bytes(content[:-8] + bytes(4) + content[-4:])
    _refused(path, "damaged", "damaged: copy or export it again")
    path.write_bytes(content[: len(content) // 2])
    _refused(path, "unreadable", "ct.nii.gz cannot be read: it ends before its last voxel: is it complete")


DICOM = bytes(128) + b"DICM" + bytes(400)
ODD = {
    "bzip2": (bz2.compress, "compression", "compressed by bzip2, not NIfTI: unpack it"),
    "xz": (lzma.compress, "compression", "compressed by xz"),
    "Zstandard": (lambda content: b"\x28\xb5\x2f\xfd" + content, "compression", "Zstandard"),
    "7-Zip": (lambda content: b"7z\xbc\xaf\x27\x1c" + content, "compression", "7-Zip"),
    "gzip twice": (lambda content: gzip.compress(gzip.compress(content)), "other_kind", "compressed by gzip"),
    "DICOM": (lambda content: DICOM, "other_kind", "a DICOM file"),
    "DICOM in gzip": (lambda content: gzip.compress(DICOM), "other_kind", "a DICOM file"),
    "a web page": (lambda content: b"\n<!DOCTYPE html><html>404" + b" " * 600, "other_kind", "a web page or XML"),
    "a surface": (lambda content: b'<?xml version="1.0"?><GIFTI>' + b" " * 600, "other_kind", "a web page or XML"),
    "a pointer": (lambda content: b"version https://git-lfs.github.com/spec/v1\noid", "other_kind", "git lfs pull"),
    "text": (lambda content: b"Doe, John\r\n", "other_kind", "is a text file, not NIfTI"),
    "zeros": (lambda content: bytes(1000), "other_kind", "filled with zeros"),
    "NRRD": (lambda content: b"NRRD0004\n" + content, "other_kind", "name it .nrrd"),
    "a picture": (lambda content: b"\x89PNG\r\n" + content, "other_kind", "a picture"),
    "noise": (lambda content: b"\x80\x81\x82\x83" * 200, "other_kind", "of a kind that is not known"),
    "cut off in its header": (
        lambda content: content[:300],
        "unreadable",
        "cannot be read: it ends within its header: is it complete",
    ),
    "cut off in its header, packed": (
        lambda content: gzip.compress(content)[:80],
        "unreadable",
        "cannot be read: it ends within its header: is it complete",
    ),
}


@pytest.mark.parametrize("what", ODD)
def test_a_file_that_is_no_nifti_is_told_what_it_is(tmp_path, what):
    change, outcome, match = ODD[what]
    path = _write(tmp_path / "ct.nii")
    path.write_bytes(change(path.read_bytes()))
    _refused(path, outcome, match)
    assert what.startswith("cut off") or "complete" not in str(pytest.raises(InputError, _read, path).value)


@pytest.mark.parametrize(
    ("fields", "outcome", "match"),
    [
        ({"magic": b"ni1"}, "no_voxels", "a pair of files"),
        ({"magic": b""}, "other_kind", "Analyze"),
        ({"intent_code": 3002}, "other_kind", "on surfaces"),
        ({"intent_code": 1009}, "other_kind", "on surfaces"),
        ({"intent_code": 1007}, "colour", "several values a voxel"),
        ({"datatype": 1}, "data_type", r"\(code 1\)"),
        ({"datatype": 7777}, "data_type", r"\(code 7777\)"),
        ({"dim": (9, 6, 5, 4, 1, 1, 1, 1)}, "unreadable", "number of axes"),
        ({"vox_offset": NAN}, "unreadable", "where the voxels begin"),
        ({"vox_offset": 1e30}, "unreadable", "where the voxels begin"),
        ({"vox_offset": 40}, "unreadable", "where the voxels begin"),
    ],
)
def test_headers_that_are_not_read_are_named(tmp_path, fields, outcome, match):
    _refused(_write(tmp_path / "ct.nii", **fields), outcome, match)


def test_a_cifti_file(tmp_path):
    scalars, brain = nibabel.cifti2.ScalarAxis(["x"]), np.ones((3, 3, 3))
    voxels = nibabel.cifti2.BrainModelAxis.from_mask(brain, affine=np.eye(4))
    nibabel.Cifti2Image(np.zeros((1, 27), np.float32), (scalars, voxels)).to_filename(tmp_path / "ct.dscalar.nii")
    _refused(tmp_path / "ct.dscalar.nii", "other_kind", "on surfaces or of a table")


def test_a_small_file_that_inflates_without_end_is_not_inflated(tmp_path):
    """Its header claims 3.6 GB, which deflate can hold: the limit of memory refuses it before a voxel is read."""
    header = Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape((1200, 1200, 1250))
    header.set_sform(AFFINE, code=1)
    header["magic"], header["vox_offset"] = b"n+1", 352
    header["scl_slope"], header["scl_inter"] = 0.5, 0  # so that it takes four bytes a voxel
    with gzip.open(tmp_path / "ct.nii.gz", "wb", compresslevel=1) as stream:
        stream.write(header.binaryblock + bytes(4))
        stream.write(bytes(60_000_000))
    packed = (tmp_path / "ct.nii.gz").read_bytes()
    (tmp_path / "ct.nii.gz").write_bytes(packed + bytes(3_600_000 - len(packed)))  # large enough to hold that much
    with pytest.raises(InputError, match="takes more than the 4 GiB of memory") as refused:
        read_isolated(tmp_path / "ct.nii.gz", read_volume, force=True)
    assert refused.value.outcome == "memory"
