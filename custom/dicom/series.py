"""Which of the series in a folder is the cardiac CT.

Slices of one series, size, pixel spacing and plane form a *stack*, the candidate for a volume. Localizers are never
candidates, single slices only where there is nothing else. Among several stacks the first of these rules that tells two
apart decides:

1. `whole_heart`: it is at least 100 mm high and has 20 slices or more.
2. `original`: it was reconstructed from the scan, not reformatted or projected from another series.
3. `contrast`: contrast medium was given.
4. `cardiac`: body part, protocol or description speak of the heart or the coronary arteries.
5. `phase`: its cardiac phase is near 75 %, when the heart hardly moves; one that states none counts as 50 % away.
6. `smooth`: its kernel is not made for lung or bone.
7. `thin`: its slices lie closer, in steps of 0.1 mm.
8. `slices`: it has more of them; then `order`: its series number is lower, and its UID.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from ..inputs import Findings, InputError
from .headers import Found
from .slices import Slice, slices_of

ORIENTATION_TOLERANCE = 1e-3
"""Largest difference of direction cosines within a stack."""
PIXEL_SPACING_TOLERANCE = 1e-3
"""mm, largest difference of pixel spacing within a stack."""
HEART_HEIGHT, HEART_SLICES = 100.0, 20  # mm; of a stack that can hold a whole heart
REST_PHASE = 75.0  # per cent of the cardiac cycle
_CARDIAC = re.compile("heart|cardi|coron(?!al)|cct|ctca|herz", re.IGNORECASE)
_SHARP = re.compile(r"lung|bone|edge|sharp|\b[BHIQU]\w?[6-9]\d|\bFC[3589]\d", re.IGNORECASE)
_REFORMATTED = {"MPR", "MIP", "REFORMATTED", "PROJECTION IMAGE", "SECONDARY"}


@dataclass
class Stack:
    """Slices that may form a volume, and what tells it from others."""

    series_uid: str
    header: Dataset
    slices: list[Slice] = field(default_factory=list)

    def accepts(self, other: Slice) -> bool:
        """Whether a slice belongs to this stack."""
        first = self.slices[0]
        return (
            (first.rows, first.columns, first.is_localizer) == (other.rows, other.columns, other.is_localizer)
            and np.abs(first.orientation - other.orientation).max() <= ORIENTATION_TOLERANCE
            and np.abs(first.spacing - other.spacing).max() <= PIXEL_SPACING_TOLERANCE
        )

    def merits(self) -> dict[str, Any]:
        """The module's rules as values, of which the larger is the better, in their order."""
        heights = np.unique(np.round([part.position @ self.slices[0].normal for part in self.slices], 2))
        height = float(np.ptp(heights))
        step = float(np.median(np.diff(heights))) if len(heights) > 1 else np.inf
        percent = self._percent()
        return {
            "whole_heart": height >= HEART_HEIGHT and len(heights) >= HEART_SLICES,
            "original": not _REFORMATTED & set(self.slices[0].image_type),
            "contrast": bool(self.header.get("ContrastBolusAgent") or self.header.get("ContrastBolusAgentSequence")),
            "cardiac": bool(_CARDIAC.search(self._words("BodyPartExamined", "ProtocolName", "StudyDescription")))
            or bool(_CARDIAC.search(self._words("SeriesDescription"))),
            "phase": -abs(percent - REST_PHASE) if percent is not None else -50.0,
            "smooth": not _SHARP.search(self._words("ConvolutionKernel")),
            "thin": -round(step, 1),
            "slices": len(self.slices),
            "order": (-int(self.header.get("SeriesNumber") or 0), self.series_uid),
        }

    def describe(self) -> dict[str, Any]:
        """The stack for the report: no free text, which may hold a name."""
        merits = self.merits()
        first = self.slices[0]
        return {
            "series_uid": self.series_uid,
            "series_number": int(self.header.get("SeriesNumber") or 0),
            "slices": len(self.slices),
            "size": [first.columns, first.rows],
            **{rule: merits[rule] for rule in ("whole_heart", "original", "contrast", "cardiac", "smooth")},
        }

    def _percent(self) -> float | None:
        known = {part.phases.get("NominalPercentageOfCardiacPhase") for part in self.slices}
        if len(known) == 1 and None not in known:
            return known.pop()
        stated = re.search(r"(\d+(?:\.\d+)?) ?%", self._words("SeriesDescription"))
        return float(stated[1]) if stated else None

    def _words(self, *tags: str) -> str:
        return " ".join(str(self.header.get(tag, "")) for tag in tags)


def choose_stack(found: Found, series_uid: str | None, findings: Findings) -> tuple[Stack, dict[str, Any]]:
    """The stack to read, and the choice for the report: the stack itself, `chosen_by` and `alternatives`.

    Args:
        found: the headers below a folder.
        series_uid: the SeriesInstanceUID to take; None chooses by the module's rules.
        findings: gets a warning where a choice was made, files were damaged, or images of the series left out.

    Raises:
        InputError: no CT series, `series_uid` not among them, DICOM of two patients, a slice that lies nowhere, or
            slices absent that a DICOMDIR names.
    """
    headers = found.headers
    if found.damaged:
        findings.warn("damaged_files", f"{found.damaged} damaged DICOM files were passed over")
    if not headers:
        raise InputError("the folder holds no DICOM series that can be read", "no_ct")
    if series_uid:
        headers = [header for header in headers if header.SeriesInstanceUID == series_uid]
        if not headers:
            there = ", ".join(sorted({str(header.SeriesInstanceUID) for header in found.headers}))
            raise InputError(f"the folder holds no series {series_uid}; there are {there}", "no_series")
    _check_one_patient(headers)
    stacks, problems = _stacks(header for header in headers if header.get("Modality") == "CT")
    candidates = [stack for stack in stacks if not stack.slices[0].is_localizer]
    if not candidates and problems:
        raise next(iter(problems.values()))
    if not candidates:
        modalities = ", ".join(sorted({str(header.get("Modality", "none")) for header in headers}))
        what = "but localizers" if stacks else f"(modalities: {modalities})"
        raise InputError(f"the folder holds no CT images {what}: only CT is read", "no_ct")
    candidates = [stack for stack in candidates if len(stack.slices) > 1] or candidates
    best, *others = sorted(candidates, key=lambda stack: tuple(stack.merits().values()), reverse=True)
    if best.series_uid in problems:
        raise problems[best.series_uid]
    left_out = sum(len(stack.slices) for stack in stacks if stack is not best and stack.series_uid == best.series_uid)
    here = {str(header.get("SOPInstanceUID")) for header in headers}
    absent = len(found.named.get(best.series_uid, set()) - here)
    if absent:
        findings.refuse(
            "absent_files", f"{absent} files of the series that the DICOMDIR names are absent: copy all of it"
        )
    if left_out:
        findings.warn("left_out", f"{left_out} images of the series lie in another plane or differ in size: left out")
    rule = _reason(best, others, series_uid)
    if others and not series_uid:
        sentence = (
            f"one of {len(candidates)} CT series was taken by the rule `{rule}`: see the report, or set `series_uid`"
        )
        findings.warn("several_series", sentence)
    return best, {**best.describe(), "chosen_by": rule, "alternatives": [stack.describe() for stack in others]}


def _check_one_patient(headers: Iterable[Dataset]) -> None:
    """Refuse two patients, told apart by ID, or by name where there is none; neither is quoted."""
    series: dict[str, set[str]] = {}
    for header in headers:
        patient = str(header.get("PatientID") or header.get("PatientName") or "")
        if patient:
            series.setdefault(patient, set()).add(str(header.SeriesInstanceUID))
    if len(series) > 1:
        listed = "; ".join(", ".join(sorted(uids)) for uids in series.values())
        raise InputError(
            f"the folder holds DICOM of {len(series)} patients: give each patient's own folder, or set `series_uid` "
            f"to one of these (patients parted by semicolons): {listed}",
            "two_patients",
        )


def _stacks(headers: Iterable[Dataset]) -> tuple[list[Stack], dict[str, InputError]]:
    """The stacks, and for each series with a slice that cannot be had, why: only the chosen one is refused for it."""
    stacks: dict[str, list[Stack]] = {}
    problems: dict[str, InputError] = {}
    for header in headers:
        uid = str(header.SeriesInstanceUID)
        of_series = stacks.setdefault(uid, [])
        try:
            parts = slices_of(header)
        except InputError as problem:
            problems[uid] = problem
            continue
        except Exception:  # damaged values raise whatever they reach in pydicom
            problems[uid] = InputError(f"{Path(header.filename).name}: its header is damaged", "damaged")
            continue
        for part in parts:
            home = next((stack for stack in of_series if stack.accepts(part)), None)
            if home is None:
                home = Stack(uid, header)
                of_series.append(home)
            home.slices.append(part)
    return [stack for of_series in stacks.values() for stack in of_series], problems


def _reason(best: Stack, others: list[Stack], series_uid: str | None) -> str:
    if not others:
        return "series_uid" if series_uid else "only_candidate"
    mine, next_best = best.merits(), others[0].merits()
    return next((rule for rule in mine if mine[rule] != next_best[rule]), "first_found")
