"""Function from volumes over the beat, by the definitions of the clinic: no number where the phases do not carry it.

Each measure is a dictionary: `value`, `unit`, `percent` (of the cycle, where it was measured), `trust` (the worst of
the phases it is made of), and `reason`, where `value` is None, why. Definitions: Lang et al., J Am Soc Echocardiogr
2015 (ventricle); Hoit, J Am Coll Cardiol 2014 (atrium: total, passive and active emptying).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .motion import largest_gap

LARGEST_GAP = 15.0
"""Per cent of the cycle between neighbouring phases, above which the smallest or largest volume may lie unseen between
them: ten phases of 10 % fit, eight of 12.5 % too."""
STILL = 0.05
"""Share of the end-diastolic volume that a beating ventricle ejects at least."""
PLATEAU = 0.05
"""Share of the atrium's range by which its volume, before it contracts, stands above an even fall: so much is seen of a
contraction that there is."""
EMPTIED = 0.2
"""Share of its range that the atrium has given by then, or its rest would be that at its largest volume."""
UNUSABLE = "do not use"
_WORSE = ("ok", "check", UNUSABLE)

Measure = dict[str, Any]


def measure_function(
    percents: Sequence[float], volumes: Mapping[str, Sequence[float]], trusts: Mapping[str, Sequence[str]]
) -> dict[str, Measure]:
    """The measures of the chambers that are there, by name.

    Of the left ventricle (LV): `end_diastolic_volume`, `end_systolic_volume`, `stroke_volume`, `ejection_fraction`; of
    the left atrium (LA): `largest_volume`, `smallest_volume`, `emptying_fraction`, and what `_contraction` adds. Names
    begin with the chamber.

    Args:
        percents: (P,) of the cycle, ascending.
        volumes: of each chamber (P,), mL.
        trusts: of each chamber's phases, "ok", "check" or "do not use"; those not to be used are left out.
    """
    measures: dict[str, Measure] = {}
    if "LV" in volumes:
        names = ("end_diastolic_volume", "end_systolic_volume", "stroke_volume", "ejection_fraction")
        measures |= _chamber("LV", names, percents, volumes["LV"], trusts["LV"])
    if "LA" in volumes:
        names = ("largest_volume", "smallest_volume", None, "emptying_fraction")
        measures |= _chamber("LA", names, percents, volumes["LA"], trusts["LA"])
        measures |= _contraction(percents, volumes["LA"], trusts["LA"])
    return measures


def given(value: float, unit: str, trusts: Sequence[str], percent: float | None = None) -> Measure:
    """A measure that is there, made of phases of these `trusts`."""
    trust = max(trusts, key=_WORSE.index)
    return {"value": round(float(value), 3), "unit": unit, "percent": percent, "trust": trust, "reason": None}


def missing(unit: str, reason: str) -> Measure:
    """A measure that cannot be given."""
    return {"value": None, "unit": unit, "percent": None, "trust": UNUSABLE, "reason": reason}


def usable_phases(percents: Sequence[float], trusts: Sequence[str]) -> tuple[list[int], str | None]:
    """Indices of the phases that can be used, and, where they leave too large a gap for extremes, what is wrong."""
    usable = [index for index, trust in enumerate(trusts) if trust != UNUSABLE]
    gap = largest_gap([percents[index] for index in usable])
    if gap <= LARGEST_GAP + 1e-6:
        return usable, None
    lost = len(percents) - len(usable)
    without = f" ({lost} are not to be trusted)" if lost else ""
    return usable, (
        f"{len(usable)} phases can be used{without}, with a gap of {gap:.0f} % of the beat: more than {LARGEST_GAP:g} %"
    )


def _chamber(
    chamber: str,
    names: Sequence[str | None],
    percents: Sequence[float],
    volumes: Sequence[float],
    trusts: Sequence[str],
) -> dict[str, Measure]:
    """Largest and smallest volume, their difference, and this as a share of the largest, under `names`."""
    usable, reason = usable_phases(percents, trusts)
    if reason:
        found = [missing(unit, reason) for unit in ("mL", "mL", "mL", "1")]
    else:
        most, least = (pick(usable, key=lambda index: volumes[index]) for pick in (max, min))
        large, small, both = volumes[most], volumes[least], (trusts[most], trusts[least])
        share = (large - small) / large
        found = [given(volumes[at], "mL", [trusts[at]], float(percents[at])) for at in (most, least)]
        if chamber == "LV" and share < STILL:
            reason = f"the ventricle changes by {100 * share:.1f} % only: are these phases of one beat?"
            found += [missing("mL", reason), missing("1", reason)]
        else:
            found += [given(large - small, "mL", both), given(share, "1", both)]
    return {f"{chamber}_{name}": measure for name, measure in zip(names, found, strict=True) if name}


def _contraction(percents: Sequence[float], volumes: Sequence[float], trusts: Sequence[str]) -> dict[str, Measure]:
    """The atrium's volume before it contracts, and how much it empties before (passive) and then (active).

    Between its largest and its smallest volume the atrium empties fast, hardly, and fast again. The last fall begins
    where the volume, once the first has begun, lies highest above the straight line between the two extremes. Without a
    contraction, as in fibrillation, or without a rest before it, as in fast hearts, no phase lies above that line.
    """
    names = ("LA_pre_contraction_volume", "LA_passive_emptying_fraction", "LA_active_emptying_fraction")
    usable, reason = usable_phases(percents, trusts)
    if reason is None:
        most, least = (pick(usable, key=lambda index: volumes[index]) for pick in (max, min))
        span = (percents[least] - percents[most]) % 100
        fall = volumes[most] - volumes[least]
        since = {index: (percents[index] - percents[most]) % 100 for index in usable}
        above = {
            index: (volumes[index] - volumes[most]) / fall + time / span
            for index, time in since.items()
            if 0 < time < span and volumes[index] <= volumes[most] - EMPTIED * fall
        }
        before = max(above, key=above.get, default=None)
        if before is not None and above[before] >= PLATEAU:
            passive = (trusts[most], trusts[before])
            active = (trusts[before], trusts[least])
            return {
                names[0]: given(volumes[before], "mL", [trusts[before]], float(percents[before])),
                names[1]: given((volumes[most] - volumes[before]) / volumes[most], "1", passive),
                names[2]: given((volumes[before] - volumes[least]) / volumes[before], "1", active),
            }
        reason = "the atrium shows no contraction of its own: it fibrillates, or beats too fast for these phases"
    return {name: missing("1" if "fraction" in name else "mL", reason) for name in names}


def end_diastole(volumes: Mapping[str, Sequence[float]], trusts: Mapping[str, Sequence[str]]) -> int:
    """Index of the phase that stands for the beat: the largest left ventricle, or atrium where there is none; among
    those that can be used, if there are any."""
    chamber = "LV" if "LV" in volumes else next(iter(volumes))
    indices = range(len(volumes[chamber]))
    usable = [index for index in indices if trusts[chamber][index] != UNUSABLE]
    return max(usable or indices, key=lambda index: volumes[chamber][index])
