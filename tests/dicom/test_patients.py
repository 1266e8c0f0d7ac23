"""Whose a folder's files are."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from dicom_files import write_series

from custom.dicom import read_series
from custom.inputs import Findings, InputError

VOLUME = np.random.default_rng(0).integers(-1000, 1000, (12, 10, 8)).astype(np.int16)


def _series(folder, *stated):
    """One series, whose slices state patients in turn: ID and name, None for none."""

    def edit(header, index):
        header.PatientID, header.PatientName = stated[index % len(stated)]

    return write_series(folder, VOLUME, series="1.2.3.4", edit=edit)


@pytest.mark.parametrize(
    "stated",
    [
        (("ab1", "Doe^Jane"), ("AB1 ", "DOE^JANE^^")),
        (("ab1", "Doe^Jane"), (None, "DOE JANE")),
        ((None, "Doe^Jane"), ("ab1", "Doe^Jane")),
        ((None, "Doe^Jane"), ("", "Doe, Jane")),
        (("ab1", "Doe^Jane"), ("ab1", "Roe^Jane")),
        (("ab1", None), (None, None)),
    ],
)
def test_one_patient_stated_in_several_ways(tmp_path, stated):
    values = read_series(_series(tmp_path, *stated), Findings()).values
    np.testing.assert_array_equal(values, VOLUME)


@pytest.mark.parametrize(
    "stated",
    [
        (("ab1", "Doe^Jane"), ("ab2", "Doe^Jane")),
        ((None, "Doe^Jane"), (None, "Doe^John")),
        (("ab1", "Doe^Jane"), (None, "Doe^John")),
        (("0815", None), ("815", None)),
    ],
)
def test_two_patients_are_never_mixed_though_their_files_bear_one_uid(tmp_path, stated):
    with pytest.raises(InputError, match="2 patients") as refused:
        read_series(_series(tmp_path, *stated), Findings(force=True))
    assert refused.value.outcome == "two_patients"
    assert not any(text in str(refused.value).lower() for text in ("doe", "ab1", "815"))


@pytest.mark.parametrize(
    ("height", "weight", "expected"),
    [(1.8, 80.0, 2.0), ("1.8", "80", 2.0), (180, 80, None), (1.8, None, None), (1.8, 0, None)],
)
def test_body_surface_follows_height_and_weight_where_they_are_a_persons(tmp_path, height, weight, expected):
    def edit(header, _):
        with pydicom.config.disable_value_validation():
            header.PatientSize, header.PatientWeight = height, weight

    series = read_series(write_series(tmp_path, VOLUME, series="1.2.3.4", edit=edit), Findings())
    assert series.series["body_surface_m2"] == expected
