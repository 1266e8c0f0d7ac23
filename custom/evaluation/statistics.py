"""Means with their uncertainty over cases, and tests between methods on the same cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import bootstrap, wilcoxon

from .measures import FAILED, Measure, Measures

CONFIDENCE = 0.95
RESAMPLES = 9999


class Estimate(NamedTuple):
    """A number over cases: its mean with the `CONFIDENCE` interval of the mean, and how it spreads."""

    n: int
    mean: float
    low: float
    high: float
    sd: float
    median: float
    smallest: float
    largest: float


def estimate(values: ArrayLike) -> Estimate | None:
    """Sum up finite `values` (n,); None where there are none.

    The interval is the percentile bootstrap's (Efron and Tibshirani 1993, chapter 13), of `RESAMPLES` draws, the same
    each time; a single value has none (NaN).
    """
    values = np.asarray(values, dtype=np.float64)
    if len(values) == 0:
        return None
    low = high = np.nan
    if len(values) > 1:
        drawn = bootstrap(
            (values,), np.mean, confidence_level=CONFIDENCE, n_resamples=RESAMPLES, method="percentile",
            rng=np.random.default_rng(0),
        )  # fmt: skip
        low, high = drawn.confidence_interval
    sd = np.std(values, ddof=1) if len(values) > 1 else np.nan
    numbers = (values.mean(), low, high, sd, np.median(values), values.min(), values.max())
    return Estimate(len(values), *map(float, numbers))


def paired_p(a: ArrayLike, b: ArrayLike) -> float:
    """Two-sided p-value of Wilcoxon's signed-rank test (Wilcoxon 1945) that `a` and `b`, (n,) of the same cases, do not
    differ; 1 where they are the same.

    Infinite values are ranked beyond all others; two of them do not differ.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        differences = np.where(a == b, 0.0, a - b)
    if not differences.any():
        return 1.0
    finite = np.abs(differences[np.isfinite(differences)]).max(initial=0.0)
    differences = np.clip(differences, -finite - 1, finite + 1)
    return float(wilcoxon(differences).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number, in their order, by Holm's step-down method (Holm 1979)."""
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.minimum(np.maximum.accumulate(np.asarray(p_values)[order] * factors), 1.0)
    return [float(p) for p in adjusted[np.argsort(order)]]


def values_of(rows: Sequence[Measures], measure: Measure) -> list[float]:
    """A number of each row, in their order: NaN where it is not known, for failures as `Measure.failed` says."""
    return [_value(row, measure) for row in rows]


def known_values(rows: Sequence[Measures], measure: Measure) -> np.ndarray:
    """As `values_of`, only finite ones, and those that the chambers of a case share only once a case."""
    if measure.by_case:
        rows = list({row.case: row for row in rows}.values())
    values = np.array(values_of(rows, measure))
    return values[np.isfinite(values)]


def _value(row: Measures, measure: Measure) -> float:
    value = getattr(row, measure.key)
    if value is None and row.status == FAILED and measure.failed is not None:
        return measure.failed
    return np.nan if value is None else float(value)
