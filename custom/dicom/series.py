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
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from ..inputs import Findings, InputError
from .headers import Found, series_of
from .patients import check_one_patient
from .slices import Slice, is_ct, slices_of
from .values import MODALITIES, PADDING, is_uid, items_of, known, number, quotable, text_of, value_of
from .wholeness import FEWEST, check_directory, check_files, check_uids, slices_in

ORIENTATION_TOLERANCE = 1e-3
"""Largest difference of direction cosines within a stack."""
PIXEL_SPACING_TOLERANCE = 1e-3
"""mm, largest difference of pixel spacing within a stack."""
HEART_HEIGHT = 100.0
"""mm, of a stack that can hold a whole heart; it has `FEWEST` slices or more."""
REST_PHASE = 75.0  # per cent of the cardiac cycle
_CARDIAC = re.compile("heart|cardi|coron(?!al)|cct|ctca|herz", re.IGNORECASE)
_SHARP = re.compile(r"lung|bone|edge|sharp|\b[BHIQU]\w?[6-9]\d|\bFC[3589]\d", re.IGNORECASE)
_REFORMATTED = {"MPR", "MIP", "REFORMATTED", "PROJECTION IMAGE", "SECONDARY"}


@dataclass(eq=False)
class Stack:
    """Slices that may form a volume, and what tells it from others."""

    series_uid: str
    header: Dataset
    slices: list[Slice] = field(default_factory=list)

    @property
    def number(self) -> int | None:
        """The SeriesNumber."""
        found = number(value_of(self.header, "SeriesNumber"))
        return None if found is None else int(found)

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
        heights = np.unique(np.round(np.array([part.position for part in self.slices]) @ self.slices[0].normal, 2))
        height = float(np.ptp(heights))
        step = float(np.median(np.diff(heights))) if len(heights) > 1 else np.inf
        percent = self._percent()
        return {
            "whole_heart": height >= HEART_HEIGHT and len(heights) >= FEWEST,
            "original": not _REFORMATTED & set(self.slices[0].image_type),
            "contrast": bool(
                text_of(self.header, "ContrastBolusAgent") or items_of(self.header, "ContrastBolusAgentSequence")
            ),
            "cardiac": bool(_CARDIAC.search(self._words("BodyPartExamined", "ProtocolName", "StudyDescription")))
            or bool(_CARDIAC.search(self._words("SeriesDescription"))),
            "phase": -abs(percent - REST_PHASE) if percent is not None else -50.0,
            "smooth": not _SHARP.search(self._words("ConvolutionKernel")),
            "thin": -round(step, 1),
            "slices": len(self.slices),
            "order": (-(self.number or 0), self.series_uid),
        }

    def describe(self) -> dict[str, Any]:
        """The stack for the report: no free text, which may hold a name."""
        merits = self.merits()
        first = self.slices[0]
        return {
            "series_uid": self.series_uid if is_uid(self.series_uid) else None,
            "series_number": self.number or 0,
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
        return " ".join(text_of(self.header, tag) for tag in tags)


def choose_stack(found: Found, series_uid: str | None, findings: Findings) -> tuple[Stack, dict[str, Any]]:
    """The stack to read, and the choice for the report: the stack itself, `chosen_by` and `alternatives`.

    Args:
        found: what lies below a folder.
        series_uid: the SeriesInstanceUID to take; None chooses by the module's rules.
        findings: gets a warning where a choice was made, files were damaged, or images of the series left out.

    Raises:
        InputError: no CT series, `series_uid` not among them, DICOM of two patients, a slice that lies nowhere, a
            series whose slices bear several UIDs, files that cannot be read, or slices absent that a DICOMDIR names.
    """
    series_uid = series_uid.strip(PADDING) if series_uid else None
    check_files(found, findings)
    headers = [header for header in found.headers if not series_uid or series_of(header) == series_uid]
    if not headers:
        there = ", ".join(sorted({quotable(series_of(header)) for header in found.headers}))
        raise InputError(f"the folder holds no series {quotable(series_uid)}; there are {there}", "no_series")
    check_one_patient(headers)
    everything, problems = _stacks(header for header in found.headers if is_ct(header))
    stacks = [stack for stack in everything if not series_uid or stack.series_uid == series_uid]
    candidates = [stack for stack in stacks if not stack.slices[0].is_localizer]
    if not candidates:
        for header in headers:
            if series_of(header) in problems:
                raise problems[series_of(header)]
        modalities = ", ".join(sorted({known(text_of(header, "Modality"), MODALITIES) for header in headers}))
        what = "but localizers" if stacks else f"(modalities: {modalities})"
        raise InputError(f"the folder holds no CT images {what}: only CT is read", "no_ct")
    candidates = [stack for stack in candidates if len(stack.slices) > 1] or candidates
    best, *others = sorted(candidates, key=lambda stack: tuple(stack.merits().values()), reverse=True)
    if best.series_uid in problems:
        raise problems[best.series_uid]
    check_uids(best, [stack for stack in everything if not stack.slices[0].is_localizer], findings)
    check_directory(best.series_uid, found, findings)
    left_out = slices_in([stack for stack in stacks if stack is not best and stack.series_uid == best.series_uid])
    of_other_kinds = (header for header in headers if series_of(header) == best.series_uid and not is_ct(header))
    left_out += sum("Rows" in header for header in of_other_kinds)
    if left_out:
        findings.warn(
            "left_out", f"{left_out} images of the series lie in another plane or differ in size or kind: left out"
        )
    rule = _reason(best, others, series_uid)
    if others and not series_uid:
        sentence = (
            f"one of {len(candidates)} CT series was taken by the rule `{rule}`: see the report, or set `series_uid`"
        )
        findings.warn("several_series", sentence)
    return best, {**best.describe(), "chosen_by": rule, "alternatives": [stack.describe() for stack in others]}


def _stacks(headers: Iterable[Dataset]) -> tuple[list[Stack], dict[str, InputError]]:
    """The stacks, and for each series with a slice that cannot be had, why: only the chosen one is refused for it."""
    stacks: dict[str, list[Stack]] = {}
    problems: dict[str, InputError] = {}
    for header in headers:
        uid = series_of(header)
        of_series = stacks.setdefault(uid, [])
        try:
            parts = slices_of(header)
        except InputError as problem:
            problems.setdefault(uid, problem)
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
