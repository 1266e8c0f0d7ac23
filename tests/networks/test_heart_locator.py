"""The locator's network: what it promises of shapes, size and place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from custom.networks import HeartLocator

CONFIG = Path(__file__).parents[2] / "bundle" / "configs" / "train_locator.json"
UNET = json.loads(CONFIG.read_text())["network_def"]["unet"]


def test_it_is_small_and_keeps_the_grid():
    network = HeartLocator(2, UNET)
    assert sum(parameter.numel() for parameter in network.parameters()) < 500_000
    assert network(torch.randn(2, 1, 32, 48, 16)).shape == (2, 3, 32, 48, 16)
    with pytest.raises(ValueError, match="not divisible"):
        network(torch.randn(1, 1, 30, 32, 32))


def test_the_first_stride_is_two():
    with pytest.raises(ValueError, match="first_stride"):
        HeartLocator(2, {**UNET, "first_stride": 1})


def test_coarse_voxels_lie_on_every_second_voxel():
    """Logits that are linear in the coarse index are linear in the fine one, half as steep, from the same origin."""
    network = HeartLocator(2, UNET)
    ramp = torch.arange(8.0).view(1, 1, 8, 1, 1).expand(1, 3, 8, 8, 8)
    network.unet.decode = lambda encoded: (encoded, ramp)
    logits = network(torch.zeros(1, 1, 16, 16, 16))[0, 0]
    expected = torch.arange(16.0).div(2).clamp(max=7).view(16, 1, 1).expand(16, 16, 16)
    torch.testing.assert_close(logits, expected)
