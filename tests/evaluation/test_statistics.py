import math

import numpy as np
import pytest

from custom.evaluation.measures import FAILED, MEASURED, MEASURES, UNLABELLED, Measures
from custom.evaluation.statistics import estimate, holm, known_values, paired_p, values_of

BY_KEY = {measure.key: measure for measure in MEASURES}


def test_the_interval_covers_the_mean():
    rng = np.random.default_rng(1)
    found = [estimate(rng.normal(0.9, 0.03, 30)) for _ in range(120)]
    covered = np.mean([one.low <= 0.9 <= one.high for one in found])
    assert 0.87 <= covered <= 0.99
    width = np.mean([one.high - one.low for one in found])
    assert width == pytest.approx(2 * 1.96 * 0.03 / math.sqrt(30), rel=0.1)


def test_an_estimate_is_the_same_each_time_and_says_how_many():
    values = [0.9, 0.8, 0.95, 0.7]
    found = estimate(values)
    assert found == estimate(values)
    assert (found.n, found.smallest, found.largest) == (4, 0.7, 0.95)
    assert found.mean == pytest.approx(0.8375) and found.median == pytest.approx(0.85)
    assert found.smallest <= found.low < found.mean < found.high <= found.largest
    assert estimate([]) is None
    one = estimate([0.5])
    assert one.mean == 0.5 and math.isnan(one.low)


def test_the_paired_test_detects_and_does_not_detect():
    rng = np.random.default_rng(2)
    hardness = rng.normal(0.9, 0.05, 30)  # far larger than the difference: only a paired test can tell
    a, b = hardness + rng.normal(0, 0.003, 30), hardness + rng.normal(-0.005, 0.003, 30)
    assert paired_p(a, b) < 1e-4 and paired_p(a, b) == pytest.approx(paired_p(b, a))
    alarms = np.mean([paired_p(*rng.normal(0, 1, (2, 30))) < 0.05 for _ in range(300)])
    assert 0.01 < alarms < 0.1
    assert paired_p(a, a) == 1


def test_a_failure_ranks_last():
    other = np.linspace(1, 2, 8)
    failed = np.full(8, math.inf)
    assert paired_p(failed, other) == pytest.approx(2 / 2**8)
    assert paired_p(failed, failed) == 1
    mixed = np.where(np.arange(8) < 4, math.inf, other)
    assert paired_p(mixed, other) == pytest.approx(2 / 2**4)


def test_holm():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0] and holm([0.02]) == [0.02] and holm([]) == []


def test_failures_count_and_missing_truth_does_not():
    rows = [
        Measures("a", "LA", MEASURED, dice=0.9, assd_mm=1.0, overlap_ml=0.2, seconds=2.0),
        Measures("a", "LV", MEASURED, dice=0.8, assd_mm=2.0, overlap_ml=0.2, seconds=2.0),
        Measures("b", "LA", FAILED, "damaged"),
        Measures("c", "LA", UNLABELLED, "there is no label map", overlap_ml=0.4, seconds=4.0),
    ]
    assert known_values(rows, BY_KEY["dice"]).tolist() == [0.9, 0.8, 0.0]
    assert known_values(rows, BY_KEY["assd_mm"]).tolist() == [1.0, 2.0]
    assert values_of(rows[:3], BY_KEY["assd_mm"]) == [1.0, 2.0, math.inf]
    assert known_values(rows, BY_KEY["overlap_ml"]).tolist() == [0.2, 0.4]
