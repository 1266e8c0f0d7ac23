"""The phases of a heart beat: in one series of several, or in several series of a study, one a phase."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ..inputs import Findings, InputError
from .phases import COMPLETE, places_of, telling_tag, without_copies
from .slices import Slice
from .stack import Stack
from .stacking import POSITION_TOLERANCE
from .values import text_of

LONGEST_BEAT = 2000.0
"""ms, of a heart that beats 30 times a minute: what takes longer is no beat."""
_PERCENT, _TRIGGER = "NominalPercentageOfCardiacPhase", "TriggerTime"


class Phase(NamedTuple):
    """A volume of a beat."""

    percent: float
    """Of the cardiac cycle, from 0 up to 100, counted from the R wave where the headers tell."""
    slices: list[Slice]
    """No two at one place."""
    stack: Stack
    """That they are of."""


def phases_of(best: Stack, others: Iterable[Stack], findings: Findings) -> list[Phase]:
    """The phases of a beat, in the order of their percentages.

    Args:
        best, others: of `choose_stack`.
        findings: gets a warning where phases were sorted together or where their percentages are assumed.

    Raises:
        InputError: there is one phase only (`one_phase`), two volumes are of the same phase (`doubled_phase`), slices
            at one place cannot be told apart, or the volumes are seconds apart: no beat, but a bolus or a perfusion
            scan (`no_beat`).
    """
    kin = [best, *(stack for stack in others if _same_scan(best, stack))]
    several = next((stack for stack in kin if _is_several(stack)), None)
    phases = _in_series(several, findings) if several else _in_study(kin, findings)
    if len(phases) < 2:
        raise InputError("the series holds one phase, no beat: leave out `phase`, or give all series", "one_phase")
    phases.sort(key=lambda phase: phase.percent)
    doubled = [
        percent for percent, count in Counter(round(phase.percent) % 100 for phase in phases).items() if count > 1
    ]
    if doubled:
        listed = ", ".join(f"{percent} %" for percent in doubled)
        raise InputError(
            f"several volumes are of one phase ({listed}): a second reconstruction? Set `series_uid`, or take it out",
            "doubled_phase",
        )
    return phases


def check_beat(milliseconds: float, findings: Findings) -> None:
    """Refuse, with InputError, volumes that span so many ms that they are of no beat."""
    if milliseconds > LONGEST_BEAT:
        findings.refuse(
            "no_beat", f"the volumes span {milliseconds / 1e3:.1f} s: a bolus or perfusion scan, no heart beat"
        )


def _in_series(stack: Stack, findings: Findings) -> list[Phase]:
    slices = without_copies(stack.slices, findings)
    places = places_of(slices)
    if len(set(places)) == 1:
        raise InputError(
            f"all {len(slices)} slices lie at one place: this is no volume (bolus monitoring?)", "one_position"
        )
    tag = telling_tag(slices, places)
    parts = _by_tag(slices, tag) if tag else _by_time(slices, places)
    if tag == _PERCENT:
        found = [(key % 100, part) for key, part in parts.items()]
    else:
        found = _timed(parts, tag, findings)
    return [Phase(percent, part, stack) for percent, part in found]


def _in_study(stacks: list[Stack], findings: Findings) -> list[Phase]:
    """The phases of stacks that each hold one."""
    volumes = [without_copies(stack.slices, findings) for stack in stacks]
    percents = [stack.percent() for stack in stacks]
    if len(stacks) > 1:
        findings.warnings.pop("several_series", None)
        findings.warn("phases_in_series", f"{len(stacks)} series of the study were taken for phases of one beat")
    if None not in percents:
        return [
            Phase(percent % 100, volume, stack)
            for percent, volume, stack in zip(percents, volumes, stacks, strict=True)
        ]
    triggers = [{part.phases.get(_TRIGGER) for part in volume} for volume in volumes]
    if len(stacks) > 1 and all(len(found) == 1 and None not in found for found in triggers):
        keys = [found.pop() for found in triggers]
        homes = dict(zip(keys, stacks, strict=True))
        timed = _timed(dict(zip(keys, volumes, strict=True)), _TRIGGER, findings)
        return [Phase(percent, volume, homes[volume[0].phases[_TRIGGER]]) for percent, volume in timed]
    if len(stacks) > 1:
        unknown = sum(percent is None for percent in percents)
        raise InputError(
            f"{unknown} of {len(stacks)} series do not say which phase they are: set `series_uid` to one of several",
            "unknown_phase",
        )
    return [Phase(0.0, volumes[0], stacks[0])]


def _by_tag(slices: list[Slice], tag: str) -> dict[float, list[Slice]]:
    parts: dict[float, list[Slice]] = {}
    for part in slices:
        parts.setdefault(part.phases[tag], []).append(part)
    return parts


def _by_time(slices: list[Slice], places: list[int]) -> dict[float, list[Slice]]:
    """By the order in which they were acquired at each place; keys are ms after the first."""
    at_place: dict[int, list[Slice]] = {}
    for part, place in zip(slices, places, strict=True):
        at_place.setdefault(place, []).append(part)
    counts = {len(parts) for parts in at_place.values()}
    times = {(part.acquired, place) for part, place in zip(slices, places, strict=True) if part.acquired is not None}
    if len(counts) > 1 or len(times) < len(slices):
        raise InputError(
            "the slices at one place are not told apart by a phase, a trigger time or the time of acquisition, at "
            "every place",
            "duplicate_slice",
        )
    ordered = [sorted(parts, key=lambda part: part.acquired) for parts in at_place.values()]
    volumes = [list(volume) for volume in zip(*ordered, strict=True)]
    return {_after(volumes[0], volume): volume for volume in volumes}


def _timed(parts: dict[float, list[Slice]], tag: str | None, findings: Findings) -> list[tuple[float, list[Slice]]]:
    """Percentages of volumes whose keys are ms (of a trigger; of the acquisition where `tag` is None) or only count."""
    ordered = [parts[key] for key in sorted(parts)]
    if tag not in (_TRIGGER, None):
        check_beat(abs(_after(ordered[0], ordered[-1])), findings)
        return list(zip(even(len(parts), findings), ordered, strict=True))
    times = np.array(sorted(parts))
    span = float(np.ptp(times))
    check_beat(span, findings)
    known = {part.beat_ms for part in ordered[0]} - {None}
    beat = known.pop() if len(known) == 1 else 0.0
    if not span < beat <= LONGEST_BEAT:  # not told, or not right
        beat = span + float(np.median(np.diff(times))) if len(times) > 1 else 1.0
        findings.warn("beat_assumed", f"the headers do not say how long a beat is: taken as {beat:.0f} ms")
    return [(float(time % beat / beat * 100), volume) for time, volume in zip(times, ordered, strict=True)]


def even(count: int, findings: Findings) -> list[float]:
    """Percentages of so many phases that are only counted."""
    findings.warn(
        "phases_assumed", f"nothing says which phases the {count} volumes are: taken as even over one beat, from 0 % on"
    )
    return [100 * index / count for index in range(count)]


def _after(first: list[Slice], second: list[Slice]) -> float:
    """ms from one volume to another, at the same place."""
    if any(part.acquired is None for part in first + second):
        return 0.0
    first, second = (sorted(parts, key=lambda part: part.position @ part.normal) for parts in (first, second))
    return 1e3 * float(np.median([b.acquired - a.acquired for a, b in zip(first, second, strict=False)]))


def _is_several(stack: Stack) -> bool:
    """Whether a stack holds twice as many images as places; copies of files are none."""
    images = {(part.instance, part.frame) for part in stack.slices}
    return len(images) >= 2 * COMPLETE * len(set(places_of(stack.slices)))


def _same_scan(best: Stack, other: Stack) -> bool:
    """Whether a stack is of the same study, reconstruction and place as the best."""
    tags = ("StudyInstanceUID", "ConvolutionKernel", "ContrastBolusAgent")
    extents = [
        (min(heights), max(heights))
        for stack in (best, other)
        if (heights := [float(part.position @ best.slices[0].normal) for part in stack.slices])
    ]
    (low, high), (other_low, other_high) = extents
    return (
        best.accepts(other.slices[0])
        and all(text_of(best.header, tag) == text_of(other.header, tag) for tag in tags)
        and best.slices[0].image_type[:2] == other.slices[0].image_type[:2]
        and min(high, other_high) - max(low, other_low) >= COMPLETE * (high - low) - POSITION_TOLERANCE
    )
