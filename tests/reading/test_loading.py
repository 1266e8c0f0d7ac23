"""Images come in at the right place in space, or not at all; DICOM by itself is tested in tests/dicom."""

from __future__ import annotations

import os
from pathlib import Path
from zipfile import ZipFile

import nibabel
import numpy as np
import pydicom
import pytest
import torch
from dicom_files import PATIENT, PATIENT_ID, write_series
from in_process import reading_here
from phantom import write_itk

from custom.frames import spacing_of
from custom.inference import InputError, LoadCTd
from custom.runtime.isolation import run_isolated

AFFINE = np.array([[-0.9, 0, 0, 100.0], [0, 0, 1.5, -80.0], [0, -1.1, 0, 60.0], [0, 0, 0, 1]])  # left-handed
REAL = Path(os.environ.get("REAL_CTS", "no_such_folder"))
FORMATS = ["ct.nii.gz", "ct.nii", "ct.nrrd", "ct.mha", "ct.mhd"]


@pytest.fixture(autouse=True)
def _in_this_process():
    """The other process has tests of its own."""
    with reading_here():
        yield


def _noise(shape=(12, 10, 8)) -> np.ndarray:
    return np.random.default_rng(0).integers(-1000, 1000, shape).astype(np.int16)


def _read(path, **arguments) -> tuple[torch.Tensor, dict]:
    record = LoadCTd("image", **arguments)({"image": str(path)})
    return record["image"], record["reading"]


def _refused(path, match: str, outcome: str, **arguments) -> None:
    with pytest.raises(InputError, match=match) as refused:
        _read(path, **arguments)
    assert refused.value.outcome == outcome
    assert str(Path(path).parent) not in str(refused.value)


@pytest.mark.parametrize("name", FORMATS)
def test_formats_agree(tmp_path, name, write_nifti):
    write = write_nifti if ".nii" in name else write_itk
    image, reading = _read(write(tmp_path / name, _noise(), AFFINE))
    np.testing.assert_array_equal(image.as_tensor()[0].numpy(), _noise())
    assert image.dtype in (torch.int16, torch.float32) and image.affine.dtype == torch.float64
    np.testing.assert_allclose(image.affine, AFFINE, atol=1e-5)
    np.testing.assert_allclose(image.meta["original_affine"], AFFINE, atol=1e-5)
    assert image.meta["spatial_shape"].tolist() == [12, 10, 8]
    assert reading == {"series": None, "warnings": {}, "forced": [], "body_surface_m2": None}


def test_a_series_or_one_of_its_files(tmp_path):
    first = write_series(tmp_path / "mixed", _noise(), series="1.2.3.1", skip=(0, 1, 2))
    alone = write_series(tmp_path / "alone", _noise(), series="1.2.3.2")
    for path in alone.iterdir():
        path.rename(first / f"other{path.name}")
    folder, file = _read(first), _read(first / "0007")
    assert [reading["series"]["series_uid"] for _, reading in (folder, file)] == ["1.2.3.2", "1.2.3.1"]
    assert file[0].shape == (1, 12, 10, 5)
    assert folder[1]["series"]["alternatives"][0]["series_uid"] == "1.2.3.1"


def test_patient_names_stay_behind(tmp_path):
    image, reading = _read(write_series(tmp_path / "series", _noise()))
    for text in (str(image.meta), str(reading)):
        assert PATIENT not in text and PATIENT_ID not in text and str(tmp_path) not in text


@pytest.mark.parametrize("name", ["ct.nii.gz", "ct.nrrd"])
def test_sheared_axes(tmp_path, name, write_nifti):
    """A tilted gantry's volume, as converters of DICOM write it."""
    affine = AFFINE.copy()
    affine[:3, 2] += 0.4 * affine[:3, 1]
    if ".nii" in name:
        write_nifti(tmp_path / name, _noise(), affine)
    else:
        lps = np.diag([-1, -1, 1, 1]) @ affine
        axes = " ".join(f"({','.join(map(str, column))})" for column in lps[:3, :3].T)
        head = f"NRRD0004\ntype: short\ndimension: 3\nspace: LPS\nsizes: 12 10 8\nspace directions: {axes}\n"
        head += f"endian: little\nencoding: raw\nspace origin: ({','.join(map(str, lps[:3, 3]))})\n\n"
        (tmp_path / name).write_bytes(head.encode() + _noise().tobytes(order="F"))
    image, _ = _read(tmp_path / name)
    np.testing.assert_allclose(image.affine, affine, atol=1e-5)
    np.testing.assert_array_equal(image.as_tensor()[0].numpy(), _noise())


def _with_forms(path: Path, sform=AFFINE, qform=AFFINE, codes=(1, 1), unit="mm") -> Path:
    image = nibabel.Nifti1Image(_noise(), None)
    image.set_qform(qform, code=codes[1])
    image.set_sform(sform, code=codes[0])
    image.header.set_xyzt_units(unit)
    nibabel.save(image, path)
    return path


def test_sform_and_qform(tmp_path):
    moved, turned = AFFINE.copy(), np.diag([-1.0, 1.0, 1.0, 1.0]) @ AFFINE
    moved[:3, 3] += 3
    path = tmp_path / "ct.nii"
    image, reading = _read(_with_forms(path, qform=moved, codes=(0, 1)))
    np.testing.assert_allclose(image.affine, moved, atol=1e-5)
    assert reading["warnings"] == {}
    image, reading = _read(_with_forms(path, qform=moved))
    np.testing.assert_allclose(image.affine, AFFINE, atol=1e-5)
    assert "differ by up to 5.2 mm" in reading["warnings"]["sform_qform"] and not reading["forced"]
    _refused(_with_forms(path, qform=turned), "contradict each other", "sform_qform")
    image, reading = _read(path, force=True)
    np.testing.assert_allclose(image.affine, AFFINE, atol=1e-5)
    assert reading["forced"] == ["sform_qform"]
    _refused(_with_forms(path, codes=(0, 0)), "left and right may be swapped", "no_orientation")


def test_units(tmp_path):
    metres = np.diag([1e-3, 1e-3, 1e-3, 1.0]) @ AFFINE
    path = tmp_path / "ct.nii"
    image, reading = _read(_with_forms(path, metres, metres, unit="meter"))
    np.testing.assert_allclose(image.affine, AFFINE, atol=1e-4)
    assert "converted" in reading["warnings"]["units"]
    image, reading = _read(_with_forms(path, unit="micron"))
    np.testing.assert_allclose(image.affine, AFFINE, atol=1e-4)
    assert "cannot be" in reading["warnings"]["units"]
    for unit in ("mm", "unknown"):
        _refused(_with_forms(path, metres, metres, unit=unit), "in another unit", "implausible_spacing")


@pytest.mark.parametrize("name", ["ct.nii.gz", "ct.nrrd", "ct.mha"])
def test_several_volumes(tmp_path, name, write_nifti):
    volumes = np.stack([_noise(), _noise()[::-1], _noise() // 2], axis=-1)

    def write(volumes):
        if ".nii" in name:
            return write_nifti(tmp_path / name, volumes, AFFINE)
        return write_itk(tmp_path / name, volumes, AFFINE)

    path = write(volumes)
    force = {"force": name == "ct.nrrd"}  # ITK writes 4D NRRD without a space
    _refused(path, "3 volumes: set `phase` to one of 1 to 3", "phases", **force)
    _refused(path, "no volume 4", "no_phase", phase=4, **force)
    for phase in (1, "3"):
        image, reading = _read(path, phase=phase, **force)
        assert reading["warnings"]["phase"] == f"volume {phase} of 3 was read"
        np.testing.assert_array_equal(image.as_tensor()[0].numpy(), volumes[..., int(phase) - 1])
    image, _ = _read(write(volumes[..., :1]), **force)
    np.testing.assert_array_equal(image.as_tensor()[0].numpy(), _noise())


def test_values_of_several_parts(tmp_path):
    rgb = np.zeros((5, 5, 5), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    for name, voxels in (("rgb.nii", rgb), ("complex.nii", np.zeros((5, 5, 5), dtype=np.complex64))):
        nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), tmp_path / name)
    for name in ("rgb.nrrd", "rgb.mha"):
        write_itk(tmp_path / name, np.zeros((5, 5, 5, 3), np.uint8), AFFINE, vector=True)
    for name in ("rgb.nii", "rgb.nrrd", "rgb.mha"):
        _refused(tmp_path / name, "several values a voxel", "colour")
    _refused(tmp_path / "complex.nii", "not real numbers", "complex")


def test_an_nrrd_file_of_no_space(tmp_path):
    head = "NRRD0004\ntype: short\ndimension: 3\nsizes: 12 10 8\nspacings: 1 1 1\nendian: little\nencoding: raw\n\n"
    (tmp_path / "ct.nrrd").write_bytes(head.encode() + _noise().tobytes(order="F"))
    _refused(tmp_path / "ct.nrrd", "in which space", "no_orientation")
    assert _read(tmp_path / "ct.nrrd", force=True)[1]["forced"] == ["no_orientation"]


@pytest.mark.parametrize("name", FORMATS[:4])
@pytest.mark.parametrize("keep", [0, 20, 200, 400, 5000])
def test_files_cut_off(tmp_path, name, keep, write_nifti):
    path = (write_nifti if ".nii" in name else write_itk)(tmp_path / name, _noise((30, 30, 30)), AFFINE)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError) as refused:
        _read(path)
    expected = {"empty_file"} if keep == 0 else {"unreadable", "truncated", "not_gzip", "empty_volume"}
    assert refused.value.outcome in expected
    assert str(tmp_path) not in str(refused.value)


def test_gzip_that_is_none(tmp_path, write_nifti):
    path = write_nifti(tmp_path / "ct.nii", _noise(), AFFINE)
    _refused(path.rename(tmp_path / "ct.nii.gz"), "no gzip file", "not_gzip")


@pytest.mark.parametrize("name", ["ct.nii", "ct.nii.gz", "ct.mha", "ct.nrrd"])
@pytest.mark.parametrize(("size", "outcome"), [(30000, "too_large"), (1200, "truncated")])
def test_headers_that_claim_too_much(tmp_path, name, size, outcome, write_nifti):
    """Terabytes, or more than the file can hold however well it is packed, are refused before allocation."""
    path = tmp_path / name
    if ".nii" in name:
        header = nibabel.Nifti1Header()
        header.set_data_dtype(np.int16)
        header.set_data_shape((size, size, size))
        header.set_sform(AFFINE, code=1)
        header["magic"], header["vox_offset"] = b"n+1", 352
        import gzip

        content = header.binaryblock + bytes(4 + 1000)
        path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    else:
        old = b"12 10 8"
        content = write_itk(path, _noise(), AFFINE).read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, f"{size} {size} {size}".encode()))
    _refused(path, f"{size}x{size}x{size}", outcome)


def test_a_meta_image_of_too_many_dimensions(tmp_path):
    path = write_itk(tmp_path / "ct.mha", _noise(), AFFINE)
    path.write_bytes(path.read_bytes().replace(b"NDims = 3", b"NDims = 32767"))
    _refused(path, "ct.mha cannot be read", "unreadable")


@pytest.mark.parametrize("name", ["ct.mha", "ct.mhd", "ct.nrrd", "ct.nhdr"])
@pytest.mark.parametrize("place", ["header", "middle", "checksum"])
def test_damaged_compression(tmp_path, name, place):
    path = write_itk(tmp_path / name, _noise(), AFFINE, compressed=True)
    np.testing.assert_array_equal(_read(path)[0].as_tensor()[0].numpy(), _noise())
    (file,) = set(tmp_path.iterdir()) - ({path} if name.endswith("hd") or name.endswith("hdr") else set())
    content = bytearray(file.read_bytes())
    last = b"LOCAL\n" if name == "ct.mha" else b"\n\n"  # of the header, where the voxels follow in the same file
    start = 0 if file != path else content.index(last) + len(last)
    content[{"header": start + 1, "middle": (start + len(content)) // 2, "checksum": -6}[place]] ^= 0xFF
    file.write_bytes(content)
    _refused(path, "compressed voxels are damaged", "damaged")


SHAPES = {"flat": (5, 5, 1), "a picture": (5, 5), "a line": (40,)}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_images_that_are_no_volume(tmp_path, shape, write_nifti):
    _refused(write_nifti(tmp_path / "ct.nii.gz", np.full(shape, -100, np.int16)), "too flat", "too_flat")


def test_affines_of_no_volume(tmp_path, write_nifti):
    affine = AFFINE.copy()
    affine[:, 2] = affine[:, 1]
    path = _with_forms(tmp_path / "ct.nii", sform=affine, codes=(1, 0))
    _refused(path, "do not span a volume", "damaged")
    content = bytearray(path.read_bytes())
    content[280:284] = np.float32(np.nan).tobytes()  # srow_x
    path.write_bytes(content)
    _refused(path, "do not span a volume", "damaged")


@pytest.mark.skipif(not REAL.is_dir(), reason="REAL_CTS names no folder of real CTs")
class TestRealData:
    """Series that hospitals handed over; what they are is told in their README."""

    @pytest.mark.parametrize(
        ("name", "match", "outcome"),
        [
            ("odd_dicom/missing_slice", "1 of the slices are missing", "missing_slice"),
            ("odd_dicom/one_position", "all 4 slices lie at one place", "one_position"),
            ("odd_dicom/jpeg_lossless", "single slice", "single_slice"),
            ("odd_dicom/enhanced_multiframe", "of type US, not HU", "not_hounsfield"),
        ],
    )
    def test_refused(self, name, match, outcome):
        _refused(REAL / name, match, outcome)

    def test_a_tilted_gantry(self):
        image, reading = _read(REAL / "odd_dicom" / "gantry_tilt", force=True)
        assert "14.0 degrees" in reading["warnings"]["gantry_tilt"]
        np.testing.assert_allclose(spacing_of(image.affine), [0.418, 0.418, 5.0], atol=1e-3)

    @pytest.mark.parametrize(("name", "shape"), [("chest_dicom", (512, 512, 138)), ("contrast_dicom", (512, 512, 133))])
    def test_read(self, name, shape):
        image, reading = _read(REAL / name)
        assert tuple(image.shape[1:]) == shape and reading["forced"] == []
        assert set(reading["warnings"]) <= {"frames_of_reference"}

    def test_a_series_with_other_things_among_it(self, tmp_path):
        """A localizer and the other patient's series beside it, a slice copied, repeated, and taken away."""
        slices = sorted((REAL / "chest_dicom").iterdir())
        for path in slices:
            (tmp_path / path.name).symlink_to(path)
        header = pydicom.dcmread(slices[0])
        header.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
        header.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
        header.save_as(tmp_path / "localizer.dcm")
        (tmp_path / "copy.dcm").symlink_to(slices[5])
        image, reading = _read(tmp_path)
        assert tuple(image.shape[1:]) == (512, 512, 138)
        assert {"left_out", "copies"} <= set(reading["warnings"])
        header = pydicom.dcmread(slices[5])
        header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        header.save_as(tmp_path / "again.dcm")
        _refused(tmp_path, "lie where another one lies", "duplicate_slice")
        (tmp_path / "again.dcm").unlink()
        for path in (REAL / "contrast_dicom").iterdir():
            (tmp_path / f"other {path.name}").symlink_to(path)
        _refused(tmp_path, "2 patients", "two_patients")
        uid = reading["series"]["series_uid"]
        assert _read(tmp_path, series_uid=uid)[0].shape == image.shape
        (tmp_path / slices[70].name).unlink()
        _refused(tmp_path, "1 of the slices are missing|not evenly", "missing_slice", series_uid=uid)


def test_a_case_is_read_in_a_process_of_its_own(tmp_path, write_nifti, monkeypatch):
    """A file of each kind that is read, and a zip; nothing is left where the zip was unpacked."""
    monkeypatch.setattr("custom.reading.loading.run_isolated", run_isolated)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    series = write_series(tmp_path / "series", _noise())
    with ZipFile(tmp_path / "ct.zip", "w") as archive:
        for path in series.iterdir():
            archive.write(path, path.name)
    paths = [series, tmp_path / "ct.zip", write_nifti(tmp_path / "ct.nii.gz", _noise(), AFFINE)]
    paths += [write_itk(tmp_path / name, _noise(), AFFINE, compressed=True) for name in ("ct.nrrd", "ct.mhd")]
    for path in paths:
        np.testing.assert_array_equal(_read(path)[0].as_tensor()[0].numpy(), _noise())
    assert list((tmp_path / "temporary").iterdir()) == []
    _refused(write_nifti(tmp_path / "flat.nii", np.full((5, 5, 1), -100, np.int16), AFFINE), "too flat", "too_flat")


def test_a_header_that_takes_too_long_costs_only_its_case(tmp_path, monkeypatch):
    """A sequence of many empty items, which pydicom would parse for minutes."""
    monkeypatch.setattr("custom.reading.loading.run_isolated", run_isolated)
    monkeypatch.setattr("custom.runtime.isolation.LONGEST", 4.0)
    series = write_series(tmp_path / "series", _noise())
    path = sorted(series.iterdir())[3]
    content, item = path.read_bytes(), b"\xfe\xff\x00\xe0\0\0\0\0"
    sequence = b"\x18\x00\x12\x00SQ\0\0\xff\xff\xff\xff" + item * 1_000_000 + b"\xfe\xff\xdd\xe0\0\0\0\0"
    place = content.index(b"\x28\x00\x02\x00US")  # before the group of the image's sizes
    path.write_bytes(content[:place] + sequence + content[place:])
    _refused(series, "series cannot be read: it takes longer than", "reader_time")
