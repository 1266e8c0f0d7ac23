"""A patient at any moment of the beat: the same parameters, but for what moves.

The drawn left ventricle is that of end-diastole, the drawn left atrium that of end-systole. Over the beat the ventricle
gives its stroke volume and takes it back, early and with the atrium's contraction; its base descends towards the apex,
which stays; its wall thickens so that its volume stays; valves open and close; the atria fill while the ventricle
empties. Right chambers follow. Times are those of the Wiggers diagram (Mitchell and Wang, Adv Physiol Educ 2014); that
the atrium's contraction brings about a quarter of the filling is Hoit, J Am Coll Cardiol 2014. The curves between are
ours: monotone cubics through a few points, drawn out in time as the `rhythm` has it. Atria that fibrillate do not
contract.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

from .heart import Heart
from .population import Patient
from .rhythm import Rhythm
from .streams import stream

EJECTION = (0.15, 0.75)
"""Range of the ejection fractions that are drawn."""
SHORTENING = 0.27
"""Of the ventricle's length, a unit of ejection fraction: 16 % where it is 60 %."""
LARGEST_EMPTYING = 0.65
"""Of the left atrium's largest volume."""

_EMPTIED = (
    (0, 6, 12, 20, 28, 36, 42, 47, 54, 62, 72, 84, 93, 100),
    (0.0, 0.02, 0.22, 0.62, 0.90, 1.0, 1.0, 0.88, 0.50, 0.30, 0.25, 0.24, 0.05, 0.0),
)
_FILLED = (
    (0, 6, 20, 36, 42, 47, 54, 62, 72, 84, 93, 100),
    (0.02, 0.10, 0.50, 0.93, 1.0, 0.93, 0.62, 0.46, 0.44, 0.42, 0.05, 0.02),
)
_WITHOUT_CONTRACTION = {
    "emptied": (
        (0, 6, 12, 20, 28, 36, 42, 47, 54, 66, 80, 100),
        (0.0, 0.02, 0.22, 0.62, 0.90, 1.0, 1.0, 0.85, 0.40, 0.10, 0.0, 0.0),
    ),
    "filled": (
        (0, 6, 20, 36, 42, 47, 54, 66, 80, 100),
        (0.05, 0.12, 0.50, 0.93, 1.0, 0.90, 0.50, 0.15, 0.02, 0.05),
    ),
}
_MITRAL = ((0, 42, 48, 56, 68, 80, 88, 96, 100), (0.0, 0.0, 1.0, 0.7, 0.3, 0.3, 0.8, 0.0, 0.0))
_SYSTOLE = 42.0  # per cent of the beat that it takes in these curves
_AORTIC = ((0, 6, 11, 28, 36, 40, 100), (0.0, 0.0, 1.0, 0.8, 0.1, 0.0, 0.0))


class Moment(NamedTuple):
    """A patient at a moment of the beat."""

    patient: Patient
    shift: np.ndarray
    """(3,) RAS mm in the scanner, to where the apex has gone in the frame of `painting.paint` since end-diastole: the
    grid goes with it, and so the apex stays where it is."""


class Beat:
    """How one patient's heart beats.

    Args:
        patient: of `draw_patient`; the seed decides the fractions.
    """

    def __init__(self, patient: Patient) -> None:
        rng = stream(patient.seed, "beat")
        self.patient = patient
        self.ejection = float(rng.uniform(*EJECTION))
        """Ejection fraction that the parameters aim at; the painted volumes have their own, close to it."""
        self.emptying = float(min(LARGEST_EMPTYING, 0.15 + rng.uniform(0.4, 0.8) * self.ejection))
        """Likewise of the left atrium, as a share of its largest volume."""
        self._opening, self._aortic_opening = rng.uniform(0.5, 1.0), rng.uniform(0.5, 0.95)
        self.rhythm = Rhythm(patient.seed)
        heart = Heart(patient)
        self._radius, self._length = heart.lv_radius, heart.lv_length
        self._apex = _apex(Heart(self._patient_at(0.0)))

    def at(self, percent: float) -> Moment:
        """The patient at `percent` of the beat, counted from end-diastole."""
        patient = self._patient_at(percent)
        return Moment(patient, patient.pose[:3, :3] @ (_apex(Heart(patient)) - self._apex))

    def _patient_at(self, percent: float) -> Patient:
        percent = float(np.interp(percent % 100, (0, self.rhythm.systole, 100), (0, _SYSTOLE, 100)))
        curves = _WITHOUT_CONTRACTION if self.rhythm.fibrillates else {"emptied": _EMPTIED, "filled": _FILLED}
        p, emptied = self.patient, _value(curves["emptied"], percent)
        left = 1 - self.ejection * emptied
        length = 1 - SHORTENING * self.ejection * emptied
        radius = np.sqrt(left / length)
        thicker = self._thickening(radius, length)
        filled = 1 - self.emptying * (1 - _value(curves["filled"], percent))
        stroke = self.ejection * emptied * p.lv_volume
        return replace(
            p,
            lv_volume=p.lv_volume * left,
            lv_aspect=p.lv_aspect * length / radius,
            wall=p.wall * thicker,
            septum=p.septum * thicker,
            la_volume=p.la_volume * filled,
            ra_volume=p.ra_volume * filled,
            rv_volume=max(p.rv_volume - stroke, 0.35 * p.rv_volume),
            leaflet_opening=self._opening * _value(_MITRAL, percent),
            tricuspid_opening=self._opening * _value(_MITRAL, percent),
            aortic_opening=self._aortic_opening * _value(_AORTIC, percent),
            pulmonary_opening=self._aortic_opening * _value(_AORTIC, percent),
        )

    def _thickening(self, radius: float, length: float) -> float:
        """The factor on the wall's thickness by which its volume stays when the cavity's radius and length change by
        these factors."""
        wall = (self.patient.wall + self.patient.septum) / 2

        def volume(r: float, long: float, w: float) -> float:
            return (r + w) ** 2 * (long + w) - r**2 * long

        before = volume(self._radius, self._length, wall)
        own = self._radius * radius, self._length * length
        return float(brentq(lambda factor: volume(*own, factor * wall) - before, 0.5, 5.0))


def percents(phases: int) -> list[float]:
    """So many phases, even over the beat, from end-diastole on."""
    return [100 * index / phases for index in range(phases)]


def _value(curve: tuple[Sequence[float], Sequence[float]], percent: float) -> float:
    return float(PchipInterpolator(*curve)(percent % 100))


def _apex(heart: Heart) -> np.ndarray:
    return heart.base + heart.lv_length * heart.axis
