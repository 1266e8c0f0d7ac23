"""What goes wrong in a scan: streaks, motion, steps between slabs, photon starvation, a field of view that cuts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from .random_fields import noise_like, random_field

DETECTOR = 2.6  # mm: pixels and detector bins of the coarse projections that streaks are computed from
VIEWS = 60  # directions over half a turn
OPAQUE = 6e4  # HU mm: path through dense matter that half of the photons do not leave
HARDENING = 0.3  # share of a long path that beam hardening hides
MARGIN = (0.0, 45.0)  # mm between the chambers and the end of a scan that ends near the heart
BITE = 15.0  # mm: how deep a scan may cut into the chambers


def streaks(
    density: torch.Tensor, spacing: Sequence[float], rng: np.random.Generator, generator: torch.Generator
) -> torch.Tensor:
    """Streaks from dense matter, made as a scanner makes them: filtered backprojection of errors of its projections.

    Every axial slice is projected in parallel beams. The error of a ray grows with the dense matter on it, by a random
    factor per view (motion, pulsation, noise) as long as photons pass, and by beam hardening, quadratically at first,
    which darkens the tissue between two dense bodies. Ramp filter: Ramachandran and Lakshminarayanan, PNAS 1971.

    Args:
        density: (D0, D1, D2) float32, HU above ordinary tissue of what throws streaks, times their strength; else 0.
        spacing: mm.
        rng: draws the orientation of the views.
        generator: draws the errors, on the device of `density`.

    Returns:
        (D0, D1, D2) HU, to be added to the image.
    """
    pool = [max(1, min(round(DETECTOR / s), n)) for s, n in zip(spacing, density.shape, strict=True)]
    coarse = F.avg_pool3d(density[None, None], pool, ceil_mode=True, count_include_pad=False)[0, 0]
    size, slices, device = coarse.shape[:2], coarse.shape[2], density.device
    x, y = (
        (torch.arange(n, device=device) - (n - 1) / 2) * (p * float(s))
        for n, p, s in zip(size, pool[:2], spacing[:2], strict=True)
    )
    angles = (torch.arange(VIEWS, device=device) + float(rng.uniform())) * (torch.pi / VIEWS)
    along = x[:, None, None] * torch.cos(angles) + y[None, :, None] * torch.sin(angles)
    half = int(np.hypot(float(x[-1]), float(y[-1])) / DETECTOR) + 1
    bins = 2 * half + 1
    rays = ((along / DETECTOR).round().long() + half + torch.arange(VIEWS, device=device) * bins).flatten(0, 1)

    values = coarse.flatten(0, 1)
    dense = (values > 0).any(dim=1).nonzero()[:, 0]
    area = pool[0] * pool[1] * float(spacing[0] * spacing[1])
    paths = torch.zeros((VIEWS * bins, slices), device=device)
    paths.index_add_(0, rays[dense].flatten(), values[dense].repeat_interleave(VIEWS, dim=0) * (area / DETECTOR))
    paths = paths.view(VIEWS, bins, slices)
    factor = noise_like(paths[:, :1], (0, 0, 1.0), generator)
    loss = paths / (paths + OPAQUE)
    errors = loss * (OPAQUE * factor - HARDENING * paths)
    filtered = torch.matmul(ramp_filter(bins).to(device), errors) * (torch.pi / VIEWS / DETECTOR)
    image = F.embedding_bag(rays, filtered.reshape(VIEWS * bins, slices), mode="sum")
    image = image.view(1, 1, *size, slices)
    return F.interpolate(image, size=tuple(density.shape), mode="trilinear", align_corners=False)[0, 0]


def ramp_filter(bins: int) -> torch.Tensor:
    """The band-limited ramp filter for unit distance between bins, as a matrix (bins, bins)."""
    lag = np.abs(np.subtract.outer(np.arange(bins), np.arange(bins)))
    kernel = np.where(lag % 2 == 1, -1 / (np.pi * np.maximum(lag, 1)) ** 2, 0.0)
    return torch.from_numpy(np.where(lag == 0, 0.25, kernel).astype(np.float32))


def blur_by_motion(
    image: torch.Tensor, heart: torch.Tensor, spacing: Sequence[float], reach: float, rng: np.random.Generator
) -> torch.Tensor:
    """The heart smeared along a random direction, its free walls most, its middle and the rest of the chest least.

    Args:
        image: (D0, D1, D2) HU.
        heart: (D0, D1, D2) bool, what moves.
        spacing: mm.
        reach: mm that the walls move to either side.
    """
    if not heart.any():
        return image
    pool = [max(1, min(round(5.0 / s), n)) for s, n in zip(spacing, image.shape, strict=True)]
    coarse = F.avg_pool3d(heart[None, None].float(), pool, ceil_mode=True, count_include_pad=False)
    coarse = F.avg_pool3d(coarse, 3, stride=1, padding=1)[0, 0]
    axes = [torch.arange(n, device=image.device) * (p * s) for n, p, s in zip(coarse.shape, pool, spacing, strict=True)]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    centre = (grid * coarse).flatten(1).sum(dim=1) / coarse.sum()
    outward = (grid - centre[:, None, None, None]).norm(dim=0) / 45.0  # mm from the heart's middle to its walls
    weight = (coarse * outward).clamp(0, 1)[None, None]
    weight = F.interpolate(weight, size=tuple(image.shape), mode="trilinear", align_corners=False)[0, 0]

    direction = rng.normal(size=3)
    direction *= reach / np.linalg.norm(direction) / np.asarray(spacing)
    count = max(2, int(np.ceil(np.abs(direction).max())))  # positions to either side, no more than a voxel apart
    smeared = image.clone()
    for k in range(1, count + 1):
        offset = np.rint(direction * k / count).astype(int).tolist()
        smeared += shifted(image, offset)
        smeared += shifted(image, [-n for n in offset])
    return image.lerp_(smeared.div_(2 * count + 1), weight)


def shifted(volume: torch.Tensor, offset: Sequence[int]) -> torch.Tensor:
    """The volume moved by whole voxels along its leading axes; edges are replicated."""
    for axis, n in enumerate(offset):
        if n:
            index = (torch.arange(volume.shape[axis], device=volume.device) - n).clamp(0, volume.shape[axis] - 1)
            volume = volume.index_select(axis, index)
    return volume


def shift_slabs(
    structures: torch.Tensor, spacing: Sequence[float], largest: float, rng: np.random.Generator
) -> torch.Tensor:
    """Slabs of slices shifted in the axial plane, as a scan put together from several heart beats shows.

    The structures themselves move, so image and labels stay together: whoever outlines such a scan follows its steps.

    Args:
        structures: (D0, D1, D2) uint8.
        spacing: mm.
        largest: mm.
    """
    result, slab = structures.clone(), rng.uniform(10, 40) / spacing[2]
    borders = np.arange(rng.uniform(0, slab), structures.shape[2], slab).astype(int).tolist()
    for first, last in zip(borders, [*borders[1:], structures.shape[2]], strict=True):
        offset = np.rint(rng.uniform(-largest, largest, 2) / np.asarray(spacing)[:2]).astype(int).tolist()
        result[:, :, first:last] = shifted(structures[:, :, first:last], offset)
    return result


def starvation_bands(
    shape: Sequence[int], spacing: Sequence[float], rng: np.random.Generator, generator: torch.Generator
) -> torch.Tensor:
    """Noise (D0, D1, D2) drawn out from left to right, of unit variance above a random level that the shoulders reach
    down to, fading below."""
    height = torch.arange(shape[2], device=generator.device) * float(spacing[2])
    level = float(rng.uniform(0.2, 1.1)) * shape[2] * float(spacing[2])
    fading = torch.sigmoid((height - level) / 8.0)
    return random_field(shape, spacing, (60.0, 1.5, 1.5), generator).mul_(fading)


def field_of_view(
    labels: torch.Tensor, spacing: Sequence[float], cut: bool, circle: bool, rng: np.random.Generator
) -> torch.Tensor:
    """Where the scan holds an image. Mostly it ends outside the chambers, on one side in eight within them.

    Args:
        labels: (D0, D1, D2) chamber labels.
        spacing: mm.
        cut: end the volume on some of its six sides.
        circle: keep a circle in the axial plane.

    Returns:
        (D0, D1, D2) bool.
    """
    inside = torch.ones(labels.shape, dtype=torch.bool, device=labels.device)
    if not (cut or circle) or not labels.any():
        return inside

    def margin() -> float:
        return float(-rng.uniform(0, BITE) if rng.uniform() < 0.125 else rng.uniform(*MARGIN))

    chambers = labels > 0
    for axis in range(3) if cut else ():
        occupied = chambers.any(dim=[k for k in range(3) if k != axis]).nonzero()
        for bound, sign in ((int(occupied[0]), -1), (int(occupied[-1]), 1)):
            if rng.uniform() < 0.35:
                end = bound + sign * round(margin() / float(spacing[axis]))
                if sign < 0:
                    inside.narrow(axis, 0, max(end, 0)).fill_(False)
                elif end + 1 < labels.shape[axis]:
                    inside.narrow(axis, end + 1, labels.shape[axis] - end - 1).fill_(False)
    if circle:
        x, y = (
            torch.arange(n, device=labels.device) * float(s) for n, s in zip(labels.shape[:2], spacing[:2], strict=True)
        )
        footprint = chambers.any(dim=2)
        columns = footprint.nonzero().float().mean(dim=0).tolist()
        centre = [c * float(s) + rng.uniform(-15, 15) for c, s in zip(columns, spacing[:2], strict=True)]
        distance = torch.hypot((x - centre[0])[:, None], (y - centre[1])[None, :])
        inside &= (distance < float(distance[footprint].max()) + margin())[..., None]
    return inside
