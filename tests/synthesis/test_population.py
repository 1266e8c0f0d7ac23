"""Generated patients against what was measured on real hearts, by the figures of `benchmarks.population`."""

import numpy as np
import pytest

from benchmarks.population import REAL, measure

#: Between what the median of a few patients must lie: the range of real hearts, or a little wider where diseases are.
MEDIANS = {
    "mitral annulus, width mm": (30, 42),
    "mitral annulus, depth mm": (23, 33),
    "mitral annulus to LV axis, degrees": (2.2, 21.6),
    "mitral to aortic centre mm": (24.0, 30.7),
    "aortic annulus to horizontal, degrees": (28, 52),
    "LA shortest extent / cube root of volume": (0.70, 0.93),
    "LA volume / its box": (0.55, 0.74),
    "centres of LA and LV mm": (54.8, 71.1),
    "LA 14 mm above the mitral plane cm2": (10, 16),
    "LA 6 mm above the mitral plane cm2": (7.5, 11),
    "LA 3 mm above the mitral plane cm2": (6, 10),
    "LV 3 mm below the mitral plane cm2": (8, 19),
    "LV 9 mm below the mitral plane cm2": (10, 22),
    "RV / LV": (0.85, 1.4),
    "RA to RV contact cm2": (6, 12.5),
    "RV to pulmonary artery contact cm2": (4, 9),
    "RV length / LV length": (0.8, 1.05),
    "middle of seven structures mm, anterior": (14, 26),
}


@pytest.mark.slow
def test_the_main_figures_are_those_of_real_hearts():
    found = [measure(seed) for seed in range(700, 712)]
    assert set(MEDIANS) <= set(REAL) == set(found[0])
    medians = {name: float(np.nanmedian([figures[name] for figures in found])) for name in MEDIANS}
    outside = [name for name, (low, high) in MEDIANS.items() if not low <= medians[name] <= high]
    assert not outside, medians
