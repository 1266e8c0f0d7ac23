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
    "cut at 300": lambda hu: hu.clip(-1024, 300),
}
REFUSED = {
    "shifted_by_1024": lambda hu: hu + 1024,
    "shifted_by_1024, padded": lambda hu: _padded(hu + 1024, -2000),
    "shifted_by_minus_1024": lambda hu: hu - 1024,
    "inverted": lambda hu: -hu,
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


def _circle(values: np.ndarray, padding: float, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Padding beyond a circle, as a share of half the image's width, in each slice; and where it is."""
    grid = np.linspace(-1, 1, len(values))
    beyond = np.broadcast_to((np.hypot(grid[:, None], grid[None]) > radius)[..., None], values.shape)
    return np.where(beyond, np.float32(padding), values), beyond


@pytest.mark.parametrize("radius", [0.4, 1.0, 1.3])
@pytest.mark.parametrize("padding", [-1100, -1500, -2000, -2048, -3024, -32768])
def test_padding_is_air_and_does_not_hide_a_shift(padding, radius):
    air = np.random.default_rng(1).normal(-1000, 9, (60, 60, 180)).clip(-1024).astype(np.float32)
    whole = np.concatenate([_chest(), air], axis=2)  # a chest in a wide field of view
    for hu in (_chest(), whole):
        values, beyond = _circle(hu, padding, radius)
        findings = Findings()
        checked = check_hounsfield(values.copy(), findings)
        assert (checked[beyond] == -1000).all() and findings.warnings == {}
        np.testing.assert_array_equal(checked[~beyond], values[~beyond])
        for shift, outcome in ((1024, "shifted_by_1024"), (-1024, "shifted_by_minus_1024")):
            for shifted in (values + shift, _circle(hu + shift, padding, radius)[0]):  # padded before, or after
                with pytest.raises(InputError, match=f"`hu_offset` to {-shift}") as refused:
                    check_hounsfield(shifted.copy(), Findings())
                assert refused.value.outcome == outcome
            advised = check_hounsfield(values + shift - shift, Findings())
            np.testing.assert_allclose(advised, checked, atol=1e-2)


def test_several_paddings_and_a_few_lower_voxels():
    """A scan circle within a reformatted field of view, and metal."""
    values, _ = _circle(_chest(), -2000, 0.8)
    values, _ = _circle(values, -3024, 1.2)
    values[30, 30, 30] = -8000
    checked = np.sort(check_hounsfield(values, Findings()).ravel())
    assert checked[0] == -8000 and checked[1] >= -1024


def test_air_without_noise_less_1024_is_no_padding():
    values = np.where(_chest() < -900, np.float32(-1000), _chest()) - 1024
    with pytest.raises(InputError, match="`hu_offset` to 1024"):
        check_hounsfield(values, Findings())


def test_values_cut_off_are_a_warning():
    findings = Findings()
    check_hounsfield(_chest().clip(-160, 240), findings)
    assert list(findings.warnings) == ["no_air"]
