import pytest
import torch

from custom.synthesis.random_fields import noise_like, random_field, smooth


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("sigma", [(0.5, 0.8, 1.5), (0.0, 1.0, 0.0)])
def test_smooth_keeps_constants_and_widens_an_impulse(sigma):
    torch.testing.assert_close(smooth(torch.full((9, 10, 11), 7.0), sigma), torch.full((9, 10, 11), 7.0))
    impulse = torch.zeros(21, 21, 21)
    impulse[10, 10, 10] = 1.0
    result = smooth(impulse, sigma)
    assert float(result.sum()) == pytest.approx(1.0, abs=1e-5)
    for axis, s in enumerate(sigma):
        profile = result.sum(dim=[k for k in range(3) if k != axis])
        variance = float((profile * (torch.arange(21) - 10.0) ** 2).sum())
        assert variance == pytest.approx(s**2, abs=0.2 * s**2 + 1e-6)


def test_noise_has_unit_variance():
    for sigma in ((0.0, 0.0, 0.0), (0.6, 1.2, 0.4)):
        assert float(noise_like(torch.zeros(48, 48, 48), sigma, seeded(0)).std()) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("scale", [6.0, (6.0, 1.0, 1.0)])
def test_random_fields_have_unit_variance(scale):
    assert float(random_field((60, 60, 60), (1, 1, 1), scale, seeded(0)).std()) == pytest.approx(1.0, abs=0.15)
