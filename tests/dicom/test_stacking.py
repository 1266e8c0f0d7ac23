"""Where a series lies, and which are refused."""

from __future__ import annotations

import itertools

import numpy as np
import pydicom
import pytest
from dicom_files import write_enhanced, write_series

from custom.dicom import read_series
from custom.frames import ras_to_lps, voxel_to_ras
from custom.inputs import Findings, InputError

VOLUME = np.random.default_rng(0).integers(-1000, 1000, (12, 10, 8)).astype(np.int16)
TURN = np.linalg.qr(np.eye(3) + 0.3 * np.random.default_rng(2).normal(size=(3, 3)))[0]
DIRECTIONS = {
    "axial": ((1, 0, 0), (0, 1, 0)),
    "feet first": ((-1, 0, 0), (0, 1, 0)),
    "coronal": ((1, 0, 0), (0, 0, -1)),
    "sagittal": ((0, 1, 0), (0, 0, -1)),
    "oblique": (tuple(TURN[0]), tuple(TURN[1])),
}


def _read(folder):
    findings = Findings()
    values, affine, *_ = read_series(folder, findings)
    return values, affine, findings.warnings


def _step(across, down, degrees: float) -> np.ndarray:
    """2 mm from slice to slice at some angle from the normal, as a tilted gantry or table gives."""
    tilt = np.tan(np.radians(degrees))
    return 2.0 * (np.cross(across, down) + tilt * np.asarray(down) + 0.1 * tilt * np.asarray(across))


@pytest.mark.parametrize("degrees", [0.0, 0.05, 0.2, 14.0, -30.0])
@pytest.mark.parametrize(("across", "down"), DIRECTIONS.values(), ids=DIRECTIONS.keys())
def test_series_lies_where_its_headers_say(tmp_path, across, down, degrees):
    """Every slice's corner pixels, by DICOM PS3.3 C.7.6.2.1.1 from pydicom's headers, against the affine."""
    write_series(tmp_path, VOLUME, across=across, down=down, step=_step(across, down, degrees))
    values, affine, warnings = _read(tmp_path)
    assert list(warnings) == (["gantry_tilt"] if abs(degrees) > 0.1 else [])
    placed = {tuple(index): ras_to_lps(voxel_to_ras(np.array(index), affine)) for index in np.ndindex(values.shape)}
    places, indices = np.array(list(placed.values())), list(placed)
    for path in tmp_path.iterdir():
        header = pydicom.dcmread(path)
        pixels = header.pixel_array + header.RescaleIntercept
        rows, columns = np.array(header.ImageOrientationPatient[3:]), np.array(header.ImageOrientationPatient[:3])
        for row, column in itertools.product((0, header.Rows - 1), (0, header.Columns - 1)):
            place = np.array(header.ImagePositionPatient, dtype=np.float64)
            place = place + columns * header.PixelSpacing[1] * column + rows * header.PixelSpacing[0] * row
            distances = np.abs(places - place).max(axis=1)
            assert distances.min() < 0.001
            assert values[indices[distances.argmin()]] == pixels[row, column]


def test_the_tilt_is_named_in_degrees(tmp_path):
    write_series(tmp_path, VOLUME, step=(0, 2 * np.tan(np.radians(20)), 2))
    assert "20.0 degrees" in _read(tmp_path)[2]["gantry_tilt"]


def test_an_enhanced_file_lies_where_the_classic_series_does(tmp_path):
    classic = _read(write_series(tmp_path / "classic", VOLUME))
    enhanced = _read(write_enhanced(tmp_path / "enhanced", VOLUME))
    np.testing.assert_array_equal(enhanced[0], classic[0])
    np.testing.assert_allclose(enhanced[1], classic[1], atol=1e-9)


def _shift(which: int, by):
    def edit(header, index):
        if index == which:
            place = np.array(header.ImagePositionPatient, dtype=np.float64) + by
            header.ImagePositionPatient = [f"{value:.6f}" for value in place]

    return edit


def _without(tag: str):
    def edit(header, index):
        delattr(header, tag)

    return edit


def _with(**tags):
    def edit(header, index):
        for tag, value in tags.items():
            setattr(header, tag, value)

    return edit


def _turn(number):
    def edit(header, index):
        if index == number:
            header.ImageOrientationPatient = [-1, 0, 0, 0, 1, 0]

    return edit


REFUSED = {
    "one missing": ("missing_slice", "1 of the slices are missing: 4.00 mm after slice 3 of 7", {"skip": (3,)}),
    "two missing": ("missing_slice", "2 of the slices are missing", {"skip": (3, 4)}),
    "thin, one missing": ("missing_slice", "missing", {"skip": (3,), "spacing": (0.3, 0.3, 0.25)}),
    "one slice": ("single_slice", "single slice", {"skip": tuple(range(1, 8))}),
    "one too high": ("uneven_spacing", "not evenly spaced", {"edit": _shift(4, (0, 0, 0.5))}),
    "last further off": ("uneven_spacing", "not evenly spaced", {"edit": _shift(7, (0, 0, 1.0))}),
    "one aside": ("uneven_spacing", "off an even stack", {"edit": _shift(4, (0.6, 0, 0))}),
    "no position": ("unplaced", "ImagePositionPatient", {"edit": _without("ImagePositionPatient")}),
    "half a position": ("unplaced", "ImagePositionPatient", {"edit": _with(ImagePositionPatient=[1, 2])}),
    "no orientation": ("unplaced", "ImageOrientationPatient", {"edit": _without("ImageOrientationPatient")}),
    "no pixel spacing": ("unplaced", "PixelSpacing", {"edit": _without("PixelSpacing")}),
    "askew cosines": ("unplaced", "perpendicular", {"edit": _with(ImageOrientationPatient=[1, 0, 0, 0.1, 1, 0])}),
    "no cosines": ("unplaced", "perpendicular", {"edit": _with(ImageOrientationPatient=[0] * 6)}),
    "pixels of nothing": ("unplaced", "not above zero", {"edit": _with(PixelSpacing=[0, 0])}),
    "pixels of less": ("unplaced", "not above zero", {"edit": _with(PixelSpacing=[-1.25, 1.5])}),
    "a thousand kilometres away": ("implausible_position", "1e\\+06 m from the origin", {"origin": (0, 1e9, 0)}),
    "one turned round": ("missing_slice", "missing.*1 images of the series lie in another plane", {"edit": _turn(4)}),
    "pixels of metres": ("implausible_spacing", "implausible", {"edit": _with(PixelSpacing=[700, 700])}),
    "half lying": ("unplaced", "stacked at 60 degrees", {"step": (0, 2 * np.tan(np.radians(60)), 2)}),
}


@pytest.mark.parametrize("what", REFUSED)
def test_series_that_cannot_be_trusted(tmp_path, what):
    outcome, match, arguments = REFUSED[what]
    write_series(tmp_path, VOLUME, **arguments)
    with pytest.raises(InputError, match=match) as refused:
        _read(tmp_path)
    assert refused.value.outcome == outcome


@pytest.mark.parametrize("by", [(0, 0, 0.1), (0.1, 0, 0)], ids=str)
def test_a_tenth_of_a_millimetre_is_let_pass(tmp_path, by):
    write_series(tmp_path, VOLUME, edit=_shift(4, by))
    assert _read(tmp_path)[2] == {}


def test_slices_that_name_frames_of_reference_of_their_own(tmp_path):
    def edit(header, index):
        header.FrameOfReferenceUID = f"1.2.{index}"

    write_series(tmp_path, VOLUME, edit=edit)
    assert list(_read(tmp_path)[2]) == ["frames_of_reference"]


def test_a_multi_frame_file_that_places_no_frame(tmp_path):
    def edit(header):
        del header.PerFrameFunctionalGroupsSequence

    write_enhanced(tmp_path, VOLUME, edit=edit)
    with pytest.raises(InputError, match="does not say where each lies"):
        _read(tmp_path)
