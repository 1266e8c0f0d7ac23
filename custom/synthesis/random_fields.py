"""Smoothing, noise and smooth random fields of volumes; fast enough on a CPU for every training step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F


def smooth(volume: torch.Tensor, sigma: Sequence[float]) -> torch.Tensor:
    """Gaussian filter of a (D0, D1, D2) volume, sigma in voxels per axis, edges replicated.

    Shifted sums, because a depthwise convolution of one channel is many times slower on a CPU.
    """
    for axis, s in enumerate(sigma):
        if s < 0.2:
            continue
        weights = gaussian(s)
        radius, n = len(weights) - 1, volume.shape[axis]
        first, last = volume.narrow(axis, 0, 1), volume.narrow(axis, n - 1, 1)
        expand = [radius if k == axis else -1 for k in range(3)]
        padded = torch.cat([first.expand(expand), volume, last.expand(expand)], dim=axis)
        volume = volume * weights[0]
        for k in range(1, radius + 1):
            volume.add_(padded.narrow(axis, radius - k, n), alpha=weights[k])
            volume.add_(padded.narrow(axis, radius + k, n), alpha=weights[k])
    return volume


def gaussian(sigma: float) -> list[float]:
    """Weights of a normalised Gaussian kernel from its centre outwards, cut at 2.5 sigma."""
    radius = max(1, int(np.ceil(2.5 * sigma)))
    weights = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    return (weights / (weights[0] + 2 * weights[1:].sum())).tolist()


def random_field(
    shape: Sequence[int], spacing: Sequence[float], scale: float | Sequence[float], generator: torch.Generator
) -> torch.Tensor:
    """Smooth random field (D0, D1, D2) with about unit variance.

    Args:
        shape: (D0, D1, D2) voxels.
        spacing: mm.
        scale: size of its features, mm, one for all axes or one per axis.
        generator: source of randomness, on the device of the result.
    """
    scales = np.broadcast_to(scale, 3)
    size = [min(n, max(2, round(n * s / float(c)) + 1)) for n, s, c in zip(shape, spacing, scales, strict=True)]
    coarse = torch.randn((1, 1, *size), generator=generator, device=generator.device)
    # trilinear interpolation takes 1/3 of the variance per axis on average, none along an axis that it leaves alone
    interpolated = sum(c < n for c, n in zip(size, shape, strict=True))
    field = F.interpolate(coarse, size=tuple(shape), mode="trilinear", align_corners=True)[0, 0]
    return field.mul_(1.5 ** (0.5 * interpolated))


def noise_like(volume: torch.Tensor, sigma: Sequence[float], generator: torch.Generator) -> torch.Tensor:
    """Gaussian noise of unit variance, correlated by a Gaussian of `sigma` voxels per axis."""
    noise = smooth(torch.randn(volume.shape, generator=generator, device=generator.device), sigma)
    for s in sigma:
        if s >= 0.2:
            weights = np.array(gaussian(s))
            noise /= float(np.sqrt(weights[0] ** 2 + 2 * (weights[1:] ** 2).sum()))
    return noise
