"""Images come in at the right place in space, or not at all."""

from __future__ import annotations

import itertools

import nibabel
import numpy as np
import pydicom
import pytest

from custom.frames import ras_to_lps, voxel_to_ras
from custom.inference import InputError, LoadCTd

AFFINE = np.array([[-0.9, 0, 0, 100.0], [0, 0, 1.5, -80.0], [0, -1.1, 0, 60.0], [0, 0, 0, 1]])  # left-handed
READ = LoadCTd("image")


def _noise(shape=(12, 10, 8)) -> np.ndarray:
    return np.random.default_rng(0).integers(-1000, 1000, shape).astype(np.int16)


@pytest.mark.parametrize("name", ["ct.nii.gz", "ct.nii", "ct.nrrd", "ct.mha", "ct.mhd"])
def test_formats_agree(tmp_path, name, write_nifti, write_itk):
    write = write_nifti if ".nii" in name else write_itk
    path = write(tmp_path / name, _noise(), AFFINE)
    image = READ({"image": str(path)})["image"]
    np.testing.assert_array_equal(image.as_tensor()[0].numpy(), _noise())
    np.testing.assert_allclose(image.affine, AFFINE, atol=1e-5)
    np.testing.assert_allclose(image.meta["original_affine"], AFFINE, atol=1e-5)
    assert image.meta["spatial_shape"].tolist() == [12, 10, 8]


TURN = np.linalg.qr(np.eye(3) + 0.3 * np.random.default_rng(2).normal(size=(3, 3)))[0]
DIRECTIONS = {
    "axial": ((1, 0, 0), (0, 1, 0)),
    "feet first": ((-1, 0, 0), (0, 1, 0)),
    "coronal": ((1, 0, 0), (0, 0, -1)),
    "sagittal": ((0, 1, 0), (0, 0, -1)),
    "oblique": (tuple(TURN[0]), tuple(TURN[1])),
}


@pytest.mark.parametrize(("across", "down"), DIRECTIONS.values(), ids=DIRECTIONS.keys())
def test_dicom_series_lies_where_its_headers_say(tmp_path, write_series, across, down):
    """Every slice's corner pixels, by DICOM PS3.3 C.7.6.2.1.1 from pydicom's headers, against the image's affine."""
    folder = write_series(tmp_path / "series", _noise(), across=across, down=down)
    image = READ({"image": str(folder)})["image"]
    affine, values = np.asarray(image.affine), image.as_tensor()[0].numpy()
    placed = {
        tuple(ras_to_lps(voxel_to_ras(np.array(index), affine)).round(2) + 0.0): values[index]
        for index in np.ndindex(values.shape)
    }
    for path in folder.iterdir():
        header = pydicom.dcmread(path)
        pixels = header.pixel_array + header.RescaleIntercept
        rows, columns = np.array(header.ImageOrientationPatient[3:]), np.array(header.ImageOrientationPatient[:3])
        for row, column in itertools.product((0, header.Rows - 1), (0, header.Columns - 1)):
            place = np.array(header.ImagePositionPatient)
            place = place + columns * header.PixelSpacing[1] * column + rows * header.PixelSpacing[0] * row
            near = min(placed, key=lambda other, place=place: np.abs(np.array(other) - place).max())
            assert np.abs(np.array(near) - place).max() < 0.02
            assert placed[near] == pixels[row, column]


def test_patient_names_stay_behind(tmp_path, write_series):
    image = READ({"image": str(write_series(tmp_path / "series", _noise()))})["image"]
    assert "Doe" not in str(image.meta)
    assert str(tmp_path) not in str(image.meta)


def test_series_that_cannot_be_trusted(tmp_path, write_series):
    def refused(match: str, **arguments):
        folder = write_series(tmp_path / match.replace(" ", "_"), _noise(), **arguments)
        with pytest.raises(InputError, match=match):
            READ({"image": str(folder)})

    refused("a slice missing", skip=(3,))
    refused("only CT is read", modality="MR")
    refused("single slice", skip=tuple(range(1, 8)))


def test_two_series_are_named(tmp_path, write_series):
    for series in ("1.2.3.4", "1.2.3.5"):
        write_series(tmp_path / series, _noise(), series=series)
        for path in (tmp_path / series).iterdir():
            (tmp_path / "both").mkdir(exist_ok=True)
            path.rename(tmp_path / "both" / f"{series}.{path.name}")
    with pytest.raises(InputError, match=r"holds 2: 1\.2\.3\.4, 1\.2\.3\.5"):
        READ({"image": str(tmp_path / "both")})


def test_a_tilted_gantry_is_refused(tmp_path, write_series):
    folder = write_series(tmp_path / "tilted", _noise())
    for path in folder.iterdir():
        header = pydicom.dcmread(path)
        x, y, z = header.ImagePositionPatient
        header.ImagePositionPatient = [x, float(y) + 0.2 * float(z), z]
        header.save_as(path)
    with pytest.raises(InputError, match="gantry"):
        READ({"image": str(folder)})


@pytest.mark.parametrize(
    ("volume", "match"),
    [
        (np.full((5, 5, 5, 2), -100, np.int16), "3D image"),
        (np.full((5, 5, 1), -100, np.int16), "too flat"),
        (np.full((5, 5, 5), np.nan, np.float32), "not finite"),
        (np.arange(125, dtype=np.int16).reshape(5, 5, 5), "Hounsfield"),
    ],
    ids=["4D", "flat", "nan", "no HU"],
)
def test_images_that_are_no_ct(tmp_path, volume, match):
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / "ct.nii.gz")
    with pytest.raises(InputError, match=match):
        READ({"image": str(tmp_path / "ct.nii.gz")})


@pytest.mark.parametrize("name", ["ct.nii.gz", "ct.nrrd", "ct.mha"])
def test_damaged_files_are_named(tmp_path, name, write_nifti, write_itk):
    path = (write_nifti if ".nii" in name else write_itk)(tmp_path / name, _noise((30, 30, 30)), AFFINE)
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(InputError, match=f"{name} cannot be read"):
        READ({"image": str(path)})
