"""Values that are no HU are named."""

from __future__ import annotations

import numpy as np
import pytest

from custom.inputs import Findings, InputError
from custom.reading.hounsfield import check_hounsfield


def _chest() -> np.ndarray:
    """HU of a chest (60, 60, 60) float32: air around, lungs, soft tissue, blood with contrast and bone, noisy."""
    rng = np.random.default_rng(0)
    tissue = np.repeat([-1000, -800, -90, 40, 60, 350, 900], [30, 40, 30, 40, 40, 25, 11])
    return (rng.choice(tissue, (60, 60, 60)) + rng.normal(0, 15, (60, 60, 60))).clip(-1024).astype(np.float32)


def _padded(values: np.ndarray, padding: float) -> np.ndarray:
    values = values.copy()
    values[:10] = padding
    return values


FINE = {
    "as it is": lambda hu: hu,
    "padded": lambda hu: _padded(hu, -3024),
    "cut at 300": lambda hu: hu.clip(-1024, 300),
}
REFUSED = {
    "shifted_by_1024": lambda hu: hu + 1024,
    "shifted_by_1024, padded": lambda hu: _padded(hu + 1024, -2000),
    "shifted_by_minus_1024": lambda hu: hu - 1024,
    "grey_levels": lambda hu: ((hu + 160) / 400).clip(0, 1) * 255,
    "unit_range": lambda hu: ((hu + 160) / 400).clip(0, 1),
    "unit_range, both signs": lambda hu: (hu / 1000).clip(-1, 1),
    "constant": lambda hu: np.full_like(hu, -1000),
    "no_soft_tissue": lambda hu: np.where(hu > -200, np.float32(2000), hu),
    "not_hounsfield": lambda hu: ((hu + 1024) / 4).clip(0) + 1e-3,
    "not_finite": lambda hu: _padded(hu, np.nan),
    "not_finite, infinite": lambda hu: _padded(hu, np.inf),
}


@pytest.mark.parametrize("what", FINE)
def test_hounsfield_units_pass(what):
    findings, values = Findings(), FINE[what](_chest())
    np.testing.assert_array_equal(check_hounsfield(values, findings), values)
    assert findings.warnings == {}


@pytest.mark.parametrize("what", REFUSED)
def test_others_are_named_and_pass_with_force_only(what):
    values, outcome = REFUSED[what](_chest()).astype(np.float32), what.split(",")[0]
    with pytest.raises(InputError) as refused:
        check_hounsfield(values, Findings())
    assert refused.value.outcome == outcome
    findings = Findings(force=True)
    forced = check_hounsfield(values, findings)
    assert findings.forced == [outcome] and list(findings.warnings) == [outcome]
    expected = np.where(np.isfinite(values), values, -1000)
    np.testing.assert_array_equal(forced, expected)


def test_values_cut_off_are_a_warning():
    findings = Findings()
    check_hounsfield(_chest().clip(-160, 240), findings)
    assert list(findings.warnings) == ["no_air"]
