"""Slices at one place: copies, phases of the heart's cycle, or a series that cannot be told apart."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np

from ..inputs import Findings, InputError
from .headers import read_pixels
from .slices import PHASE_TAGS, Slice

SAME_PLACE = 0.05
"""mm, slices closer than this lie at one place."""
COMPLETE = 0.9  # share of the places that slices need to cover to be called a phase


def one_phase(slices: list[Slice], phase: str | float | None, findings: Findings) -> list[Slice]:
    """The slices of one phase of a stack, so that no two lie at one place.

    Args:
        slices: of one stack, in any order.
        phase: the value of the phase to take, a number with or without its unit; needed where there are several.
        findings: gets a warning where copies were passed over, a phase was chosen, or `phase` was not needed.

    Raises:
        InputError: several phases and none chosen (they are listed), one that is not there, or slices at one place
            that nothing tells apart.
    """
    slices = without_copies(slices, findings)
    places = places_of(slices)
    if max(Counter(places).values()) == 1:
        if phase is not None:
            findings.warn("phase_not_needed", "the series has one phase: `phase` was not needed")
        return slices
    if len(set(places)) == 1:
        raise InputError(
            f"all {len(slices)} slices lie at one place: this is no volume (bolus monitoring?)", "one_position"
        )
    tag = telling_tag(slices, places)
    if tag is None:
        doubled = sum(count - 1 for count in Counter(places).values())
        raise InputError(
            f"{doubled} of the slices lie where another one lies, not told apart by anything", "duplicate_slice"
        )
    values = sorted({part.phases[tag] for part in slices})
    name, unit = PHASE_TAGS[tag]
    listed = ", ".join(f"{value:g}{unit}" for value in values)
    if phase is None:
        raise InputError(f"the series holds {len(values)} phases: set `phase` to one {name} of {listed}", "phases")
    number = re.search(r"-?\d+(\.\d+)?", str(phase))
    chosen = [part for part in slices if number and abs(part.phases[tag] - float(number[0])) < 1e-3]
    if not chosen:
        raise InputError(f"the series has no phase {phase}: set `phase` to one {name} of {listed}", "no_phase")
    findings.warn("phase", f"{name} {chosen[0].phases[tag]:g}{unit} was read, of {listed}")
    return chosen


def without_copies(slices: list[Slice], findings: Findings) -> list[Slice]:
    """Leave out files that hold the same instance once more; one with other pixels is no copy, whatever its UID."""
    same_pixels = cache(_same_pixels)
    unique: dict[tuple, Slice] = {}
    others: list[Slice] = []
    for part in slices:
        key = (part.instance, part.frame, *part.position.round(3), *part.phases.items())
        first = unique.setdefault(key, part)
        if first is not part and not (part.instance and same_pixels(first.path, part.path)):
            others.append(part)
    kept = [*unique.values(), *others]
    if len(kept) < len(slices):
        findings.warn("copies", f"{len(slices) - len(kept)} files are copies of others: passed over")
    return kept


def _same_pixels(first: Path, second: Path) -> bool:
    pixels = read_pixels(first)
    return pixels is not None and pixels == read_pixels(second)


def places_of(slices: list[Slice]) -> list[int]:
    """The number of each slice's place along the normal of the first."""
    heights = np.array([part.position for part in slices]) @ slices[0].normal
    order = np.argsort(heights)
    places = np.empty(len(slices), dtype=np.int64)
    places[order] = np.concatenate([[0], np.cumsum(np.diff(heights[order]) >= SAME_PLACE)])
    return places.tolist()


def telling_tag(slices: list[Slice], places: list[int]) -> str | None:
    """The first of `PHASE_TAGS` that tells the slices at one place apart; None where none does."""
    return next((tag for tag in PHASE_TAGS if _tells_apart(tag, slices, places)), None)


def _tells_apart(tag: str, slices: list[Slice], places: list[int]) -> bool:
    """Whether a tag's values part the slices into volumes, each with nearly all places, and each place once."""
    if any(tag not in part.phases for part in slices):
        return False
    parts: dict[float, list[int]] = {}
    for part, place in zip(slices, places, strict=True):
        parts.setdefault(part.phases[tag], []).append(place)
    needed = max(2.0, COMPLETE * len(set(places)))
    return all(len(set(part)) == len(part) >= needed for part in parts.values())
