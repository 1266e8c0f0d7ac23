"""Slices that may form a volume, and what makes one such stack better than another for the heart.

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
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from .patients import body_surface
from .slices import Slice
from .values import is_uid, items_of, number, text_of, value_of

ORIENTATION_TOLERANCE = 1e-3
"""Largest difference of direction cosines within a stack."""
PIXEL_SPACING_TOLERANCE = 1e-3
"""mm, largest difference of pixel spacing within a stack."""
HEART_HEIGHT = 100.0
"""mm, of a stack that can hold a whole heart."""
FEWEST = 20
"""Slices of one."""
REST_PHASE = 75.0  # per cent of the cardiac cycle
_CARDIAC = re.compile("heart|cardi|coron(?!al)|cct|ctca|herz", re.IGNORECASE)
_SHARP = re.compile(r"lung|bone|edge|sharp|\b[BHIQU]\w?[6-9]\d|\bFC[3589]\d", re.IGNORECASE)
PROJECTED = {"MIP", "MINIP", "PROJECTION IMAGE"}
"""Image types of maximum and minimum intensity projections."""
_REFORMATTED = {"MPR", "REFORMATTED", "SECONDARY", *PROJECTED}


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
        percent = self.percent()
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
            "body_surface_m2": body_surface(self.header),
        }

    def percent(self) -> float | None:
        """Of the cardiac cycle, where the slices have one by their tag or the series by its description."""
        known = {part.phases.get("NominalPercentageOfCardiacPhase") for part in self.slices}
        if len(known) == 1 and None not in known:
            return known.pop()
        stated = re.search(r"(\d+(?:\.\d+)?) ?%", self._words("SeriesDescription"))
        return float(stated[1]) if stated else None

    def _words(self, *tags: str) -> str:
        return " ".join(text_of(self.header, tag) for tag in tags)
