"""Function from volumes over the beat, by the definitions of the clinic: no number where the phases do not carry it.

Each measure is a dictionary: `value`, `unit`, `percent` (of the cycle, where it was measured), `trust` (the worst of
the phases it is made of), and `reason`, where `value` is None, why. Definitions: Lang et al., J Am Soc Echocardiogr
2015 (ventricle); Hoit, J Am Coll Cardiol 2014 (atrium: total emptying fraction).
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
UNUSABLE = "do not use"
_WORSE = ("ok", "check", UNUSABLE)

Measure = dict[str, Any]


def measure_function(
    percents: Sequence[float], volumes: Mapping[str, Sequence[float]], trusts: Mapping[str, Sequence[str]]
) -> dict[str, Measure]:
    """The measures of the chambers that are there, by name.

    Of the left ventricle (LV): `end_diastolic_volume`, `end_systolic_volume`, `stroke_volume`, `ejection_fraction`; of
    the left atrium (LA): `largest_volume`, `smallest_volume`, `emptying_fraction`. Names begin with the chamber.

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
    return measures


def _chamber(
    chamber: str,
    names: Sequence[str | None],
    percents: Sequence[float],
    volumes: Sequence[float],
    trusts: Sequence[str],
) -> dict[str, Measure]:
    """Largest and smallest volume, their difference, and this as a share of the largest, under `names`."""
    usable = [index for index, trust in enumerate(trusts) if trust != UNUSABLE]
    gap = largest_gap([percents[index] for index in usable])
    reason = None
    if gap > LARGEST_GAP + 1e-6:
        left_out = len(percents) - len(usable)
        reason = (
            f"{len(usable)} phases can be used"
            + (f" ({left_out} are not to be trusted)" if left_out else "")
            + f", with a gap of {gap:.0f} % of the beat: more than {LARGEST_GAP:g} %"
        )
        found = [None, None, None, None]
        places, trust = (None, None), UNUSABLE
    else:
        most = max(usable, key=lambda index: volumes[index])
        least = min(usable, key=lambda index: volumes[index])
        large, small = float(volumes[most]), float(volumes[least])
        trust = max((trusts[most], trusts[least]), key=_WORSE.index)
        places = (float(percents[most]), float(percents[least]))
        found = [large, small, large - small, (large - small) / large]
        if chamber == "LV" and found[3] < STILL:
            reason = f"the ventricle changes by {100 * found[3]:.1f} % only: are these phases of one beat?"
            found[2:] = [None, None]
    own = {0: trusts[most], 1: trusts[least]} if places[0] is not None else {}
    return {
        f"{chamber}_{name}": {
            "value": None if found[index] is None else round(found[index], 3),
            "unit": "1" if index == 3 else "mL",
            "percent": places[index] if index < 2 else None,
            "trust": UNUSABLE if found[index] is None else own.get(index, trust),
            "reason": reason if found[index] is None else None,
        }
        for index, name in enumerate(names)
        if name
    }


def end_diastole(volumes: Mapping[str, Sequence[float]], trusts: Mapping[str, Sequence[str]]) -> int:
    """Index of the phase that stands for the beat: the largest left ventricle, or atrium where there is none; among
    those that can be used, if there are any."""
    chamber = "LV" if "LV" in volumes else next(iter(volumes))
    indices = range(len(volumes[chamber]))
    usable = [index for index in indices if trusts[chamber][index] != UNUSABLE]
    return max(usable or indices, key=lambda index: volumes[chamber][index])
