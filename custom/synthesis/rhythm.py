"""When a heart is where in its beat, and how its phases are scanned: rate, fibrillation, blur and dose.

The faster a heart beats, the more of its beat is systole: electromechanical systole takes 546 - 2.1 rate ms (Weissler
et al., Circulation 1968; men, women 3 ms more).
"""

from __future__ import annotations

import numpy as np

from .streams import stream

RATE = (48.0, 100.0)
"""Beats a minute."""
FIBRILLATION = 0.15
"""Probability."""
UNEVEN = 4.0
"""Standard deviation, per cent of the beat, by which a fibrillating heart is elsewhere than its phase's name says: its
beats last differently."""
SMALLEST = 0.93
"""Of electromechanical systole, when the ventricle is smallest; then it relaxes."""
EXPOSURE = (66.0, 165.0)
"""ms that the scan of a phase lasts: half a turn of two tubes, or of one."""
SAVING = 0.5
"""Probability that the tube's current is lowered outside a part of the beat."""
FULL_DOSE = ((30.0, 80.0), (60.0, 85.0), (35.0, 50.0))
"""That part, per cent of the beat: systole and diastole, diastole, systole."""
LOWERED = (0.2, 0.6)
"""Of the full current."""


class Rhythm:
    """Of the patient of a seed.

    Attributes:
        rate: beats a minute.
        fibrillates: the atria do not contract, and each phase is seen a little earlier or later.
        systole: per cent of the beat until the ventricle is smallest.
        exposure: per cent of the beat that the scan of a phase lasts.
    """

    def __init__(self, seed: int) -> None:
        rng = stream(seed, "rhythm")
        self.seed = seed
        self.rate = float(rng.uniform(*RATE))
        self.fibrillates = bool(rng.uniform() < FIBRILLATION)
        self.exposure = float(rng.uniform(*EXPOSURE)) * self.rate / 600
        saving = bool(rng.uniform() < SAVING)
        self._full, lowered = FULL_DOSE[rng.integers(len(FULL_DOSE))], float(rng.uniform(*LOWERED))
        self._lowered = lowered if saving else 1.0
        self.systole = SMALLEST * (546 - 2.1 * self.rate) * self.rate / 600

    def seen_at(self, percent: float) -> float:
        """Per cent of the beat where the heart is when it is scanned as this phase."""
        if not self.fibrillates:
            return percent
        return percent + UNEVEN * float(np.clip(stream(self.seed, f"uneven at {percent:g} %").normal(), -2, 2))

    def dose(self, percent: float) -> float:
        """The tube's current at a phase, as a share of the full one."""
        return 1.0 if self._full[0] <= percent <= self._full[1] else self._lowered
