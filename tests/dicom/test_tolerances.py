"""How far slices may be from what they should be: each tolerance from both of its sides."""

from __future__ import annotations

import numpy as np
import pytest
from dicom_files import write_series

from custom.dicom import read_series
from custom.inputs import Findings, InputError

VOLUME = np.random.default_rng(0).integers(-1000, 1000, (12, 10, 8)).astype(np.int16)


def _read(folder, **arguments):
    """The shape of what is read, the affine, and the warnings."""
    write_series(folder, arguments.pop("volume", VOLUME), **arguments)
    findings = Findings()
    values, affine, *_ = read_series(folder, findings)
    return values.shape, affine, findings.warnings


def _moved(which: int, by: tuple[float, float, float]):
    def edit(header, index):
        if index == which:
            header.ImagePositionPatient = [f"{x:.6f}" for x in np.array(header.ImagePositionPatient, dtype=float) + by]

    return edit


def _of_the_last(**tags):
    def edit(header, index):
        if index == VOLUME.shape[2] - 1:
            for tag, value in tags.items():
                setattr(header, tag, value)

    return edit


def _leaning(degrees: float) -> dict:
    return {"step": (0, 2 * np.tan(np.radians(degrees)), 2)}


def test_a_tilt_is_mentioned_from_a_tenth_of_a_degree_and_refused_from_forty_five(tmp_path):
    assert _read(tmp_path / "none", **_leaning(0.08))[2] == {}
    assert list(_read(tmp_path / "slight", **_leaning(0.12))[2]) == ["gantry_tilt"]
    assert "44.5 degrees" in _read(tmp_path / "largest", **_leaning(44.5))[2]["gantry_tilt"]
    with pytest.raises(InputError, match="stacked at 46 degrees"):
        _read(tmp_path / "beyond", **_leaning(45.6))


def test_two_slices_are_a_volume(tmp_path):
    assert _read(tmp_path, volume=VOLUME[:, :, :2])[0] == (12, 10, 2)


def test_the_slice_that_is_off_is_named(tmp_path):
    with pytest.raises(InputError, match="slice 5 of 8 lies 0.60 mm off an even stack"):
        _read(tmp_path, edit=_moved(4, (0.6, 0, 0)))


def test_a_gap_that_is_too_small_is_named(tmp_path):
    with pytest.raises(InputError, match="not evenly spaced: 1.50 mm after slice 7 of 8, 2.00 mm elsewhere"):
        _read(tmp_path, edit=_moved(7, (0, 0, -0.5)))


def test_thin_slices_may_be_off_by_half_their_spacing(tmp_path):
    thin = {"spacing": (0.3, 0.3, 0.25)}
    assert _read(tmp_path / "less", edit=_moved(4, (0, 0, 0.11)), **thin)[2] == {}
    with pytest.raises(InputError, match="0.39 mm after slice 4 of 8, 0.25 mm elsewhere"):
        _read(tmp_path / "more", edit=_moved(4, (0, 0, 0.14)), **thin)


def test_two_frames_of_reference_are_mentioned(tmp_path):
    assert list(_read(tmp_path, edit=_of_the_last(FrameOfReferenceUID="1.2.5"))[2]) == ["frames_of_reference"]


@pytest.mark.parametrize(
    ("tag", "within", "beyond"),
    [
        ("PixelSpacing", [1.2509, 1.5], [1.2512, 1.5]),
        ("PixelSpacing", [1.25, 1.5009], [1.25, 1.5012]),
        ("ImageOrientationPatient", [1, 0.0009, 0, -0.0009, 1, 0], [1, 0.0012, 0, -0.0012, 1, 0]),
    ],
)
def test_a_slice_belongs_to_a_stack_to_a_thousandth(tmp_path, tag, within, beyond):
    assert _read(tmp_path / "within", edit=_of_the_last(**{tag: within}))[0] == (12, 10, 8)
    shape, _, warnings = _read(tmp_path / "beyond", edit=_of_the_last(**{tag: beyond}))
    assert shape == (12, 10, 7) and warnings["left_out"].startswith("1 images")


@pytest.mark.parametrize("volume", [VOLUME[:11], VOLUME[:, :9]], ids=["columns", "rows"])
def test_a_slice_of_another_size_is_left_out(tmp_path, volume):
    write_series(tmp_path, volume, series="1.2.3.1", skip=tuple(range(7)))
    for path in tmp_path.iterdir():
        path.rename(path.with_name("other"))
    shape, _, warnings = _read(tmp_path, series="1.2.3.1", skip=(7,))
    assert shape == (12, 10, 7) and list(warnings) == ["left_out"]
