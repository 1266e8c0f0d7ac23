"""A CT scan of a structure map: look-up tables, random fields, blur, noise and streaks; fast enough for every step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from .structures import Structure
from .tissue import draw_tissues


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
    shape: Sequence[int], spacing: Sequence[float], scale: float, generator: torch.Generator
) -> torch.Tensor:
    """Smooth random field (D0, D1, D2) with about unit variance and features of about `scale` mm."""
    size = [max(2, round(n * s / scale) + 1) for n, s in zip(shape, spacing, strict=True)]
    coarse = torch.randn((1, 1, *size), generator=generator, device=generator.device)
    # trilinear interpolation takes (2/3)^3 of the variance on average
    return F.interpolate(coarse, size=tuple(shape), mode="trilinear", align_corners=True)[0, 0] * (1.5**1.5)


def noise_like(volume: torch.Tensor, sigma: Sequence[float], generator: torch.Generator) -> torch.Tensor:
    """Gaussian noise of unit variance, correlated by a Gaussian of `sigma` voxels per axis."""
    noise = smooth(torch.randn(volume.shape, generator=generator, device=generator.device), sigma)
    for s in sigma:
        if s >= 0.2:
            weights = np.array(gaussian(s))
            noise /= float(np.sqrt(weights[0] ** 2 + 2 * (weights[1:] ** 2).sum()))
    return noise


def streaks(
    structures: torch.Tensor, spacing: Sequence[float], rng: np.random.Generator, generator: torch.Generator
) -> torch.Tensor:
    """Streaks of about unit amplitude fanning out in the axial plane from a point of the superior cava or right atrium.

    Returns:
        (D0, D1, D2); zero where the volume holds neither.
    """
    source = (structures == int(Structure.SUPERIOR_VENA_CAVA)) | (structures == int(Structure.RA_BLOOD))
    where = source.any(dim=2).nonzero()
    if len(where) == 0:
        return torch.zeros(structures.shape, device=structures.device)
    centre, device = where[int(rng.integers(len(where)))].tolist(), structures.device
    x = (torch.arange(structures.shape[0], device=device) - centre[0] + 0.5)[:, None] * float(spacing[0])
    y = (torch.arange(structures.shape[1], device=device) - centre[1] + 0.5)[None, :] * float(spacing[1])
    # a random profile over the angle, closed to a circle, that changes from slice to slice
    rays, slices = int(rng.integers(20, 80)), structures.shape[2]
    profile = torch.empty((1, rays, slices), device=device)
    profile = noise_like(profile, (0, 0, 1.5 / float(spacing[2])), generator)[None]
    circle = torch.cat([profile, profile[:, :, :1]], dim=2)
    profile = F.interpolate(circle, size=(721, slices), mode="bilinear", align_corners=True)[0, 0]
    sector = ((torch.atan2(y, x) / (2 * torch.pi) + 0.5) * 720).round().long()
    present = smooth(source.any(dim=0).any(dim=0).float()[None, None], (0, 0, 3.0))[0, 0]
    distance = (x * x + y * y).sqrt()
    strength = (1 - torch.exp(-distance / 12)) * torch.exp(-distance / float(rng.uniform(25, 70)))
    return (profile * present)[sector] * strength[..., None]


def scan(structures: torch.Tensor, spacing: Sequence[float], generator: torch.Generator) -> torch.Tensor:
    """Simulate one scan; every call draws contrast, tissue values, blur, noise and artefacts afresh.

    Args:
        structures: (D0, D1, D2) uint8, values of `Structure`; slices are stacked along the last axis.
        spacing: voxel size along the three axes, mm.
        generator: source of all randomness, on the device of `structures`.

    Returns:
        (D0, D1, D2) float32, HU, between -1024 and 3071.
    """
    seed = torch.randint(2**62, (1,), generator=generator, device=generator.device)
    rng = np.random.default_rng(int(seed))
    tissues, index, shape = draw_tissues(rng), structures.int(), structures.shape
    mean, mixing, texture = (
        torch.from_numpy(table).to(structures.device) for table in (tissues.mean, tissues.mixing, tissues.texture)
    )
    image = mean[index]
    image.addcmul_(mixing[index], random_field(shape, spacing, float(rng.uniform(12, 30)), generator))
    image.addcmul_(texture[index], random_field(shape, spacing, float(rng.uniform(3, 6)), generator))

    # partial volume and reconstruction kernel in the plane, slice thickness along the last axis; some scans moved
    blur, thick = rng.uniform(0.3, 1.1), rng.uniform(0.3, 1.8)
    motion = rng.uniform(0, 2, size=2) if rng.uniform() < 0.15 else (0.0, 0.0)
    in_plane = [float(np.hypot(blur, m)) for m in motion]
    image = smooth(image, [s / v for s, v in zip((*in_plane, max(blur, thick)), spacing, strict=True)])

    image += random_field(shape, spacing, 80.0, generator) * float(rng.uniform(0, 8))
    if rng.uniform() < 0.4:
        # the denser the contrast that causes them, the stronger: 1 to 12 % of it
        strength = np.exp(rng.uniform(np.log(0.01), np.log(0.12))) * tissues.mean[int(Structure.SUPERIOR_VENA_CAVA)]
        image.add_(streaks(structures, spacing, rng, generator), alpha=float(strength))
    level = float(np.exp(rng.uniform(np.log(3), np.log(45))))
    correlation = rng.uniform(0.4, 1.1)
    noise = noise_like(image, (correlation / spacing[0], correlation / spacing[1], 0.5 / spacing[2]), generator)
    return image.add_(noise, alpha=level).clamp_(-1024, 3071)
