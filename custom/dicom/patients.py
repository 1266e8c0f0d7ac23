"""Whose a folder's files are: two patients are never mixed, and never named."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydicom.dataset import Dataset

from ..inputs import InputError
from .headers import series_of
from .values import number, quotable, text_of, value_of

HEIGHTS, WEIGHTS = (0.4, 2.5), (2.0, 400.0)
"""m and kg, of people: what lies beyond is a mistake of units."""


def check_one_patient(headers: Sequence[Dataset]) -> None:
    """Refuse two patients, told apart by ID, or by name where there is none; neither is quoted.

    The case of letters and the punctuation of names make no difference, and a file that states its patient's name only
    belongs to the ID that another one gives to this name.
    """
    stated = [(text_of(header, "PatientID").casefold(), _name(header), series_of(header)) for header in headers]
    ids = {name: patient for patient, name, _ in stated if patient and name}
    series: dict[str, set[str]] = {}
    for patient, name, uid in stated:
        if patient or name:
            series.setdefault(patient or ids.get(name, name), set()).add(quotable(uid))
    if len(series) > 1:
        listed = "; ".join(", ".join(sorted(uids)) for uids in series.values())
        raise InputError(
            f"the folder holds DICOM of {len(series)} patients: give each patient's own folder, or set `series_uid` "
            f"to one of these (patients parted by semicolons): {listed}",
            "two_patients",
        )


def body_surface(header: Dataset) -> float | None:
    """m², from the patient's height and weight (Mosteller, N Engl J Med 1987); None where they are not a person's."""
    height, weight = (number(value_of(header, tag)) for tag in ("PatientSize", "PatientWeight"))  # m, kg
    if height is None or weight is None or not (HEIGHTS[0] <= height <= HEIGHTS[1]):
        return None
    return round((height * weight / 36) ** 0.5, 3) if WEIGHTS[0] <= weight <= WEIGHTS[1] else None


def _name(header: Dataset) -> str:
    return " ".join(re.split(r"[\^=,\s]+", text_of(header, "PatientName").casefold())).strip()
