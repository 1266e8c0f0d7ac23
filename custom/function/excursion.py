"""How far the mitral annulus comes towards the apex: the long-axis function of the ventricle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .volumes import UNUSABLE, Measure, given, missing, usable_phases

NAME = "LV_mitral_annulus_excursion"


def measure_excursion(
    percents: Sequence[float],
    centres: Sequence[Sequence[float] | None],
    apex: Sequence[float] | None,
    end_diastole: int,
    trusts: Sequence[str],
) -> dict[str, Measure]:
    """`LV_mitral_annulus_excursion`: mm by which the annulus' centre moves towards where the apex was at end-diastole,
    at most (as MAPSE; Lang et al., J Am Soc Echocardiogr 2015).

    Args:
        percents: (P,) of the cycle, ascending.
        centres: of the mitral annulus in each phase (3,) mm, None where it was not found.
        apex: (3,) mm in the phase `end_diastole`, or None.
        end_diastole: index of that phase.
        trusts: of each phase's annulus.
    """
    trusts = [UNUSABLE if centre is None else trust for centre, trust in zip(centres, trusts, strict=True)]
    usable, reason = usable_phases(percents, trusts)
    if reason is None and (apex is None or end_diastole not in usable):
        reason = "apex and annulus are not found at end-diastole"
    if reason:
        return {NAME: missing("mm", reason)}
    start = np.asarray(centres[end_diastole])
    axis = np.asarray(apex) - start
    descent = {at: float((np.asarray(centres[at]) - start) @ axis / np.linalg.norm(axis)) for at in usable}
    most = max(descent, key=descent.get)
    return {NAME: given(descent[most], "mm", (trusts[most], trusts[end_diastole]), float(percents[most]))}
