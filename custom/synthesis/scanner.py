"""A CT scan of a structure map: look-up tables, random fields, blur, slices, noise and artefacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from ..inputs import AIR
from .acquisition import Acquisition
from .artefacts import blur_by_motion, field_of_view, shift_slabs, starvation_bands, streaks
from .random_fields import noise_like, random_field, smooth
from .structures import Structure, chamber_labels
from .tissue import Tissues, draw_tissues

LOWEST, HIGHEST = -1024.0, 3071.0  # HU: what twelve bits hold
HEART = (
    Structure.LV_BLOOD, Structure.PAPILLARY_MUSCLE, Structure.LV_TRABECULAE, Structure.MYOCARDIUM, Structure.LA_BLOOD,
    Structure.LA_APPENDAGE, Structure.LA_VEIN_STUMP, Structure.RV_BLOOD, Structure.RV_TRABECULAE, Structure.RV_WALL,
    Structure.RA_BLOOD, Structure.MITRAL_LEAFLETS, Structure.AORTIC_LEAFLETS, Structure.CORONARY_ARTERY,
    Structure.CALCIUM, Structure.EPICARDIAL_FAT, Structure.MITRAL_FUNNEL, Structure.AORTIC_ROOT, Structure.RA_APPENDAGE,
    Structure.RA_TRABECULAE, Structure.RA_CAVAL_JET, Structure.RA_CAVAL_PLUME, Structure.RA_WALL, Structure.RV_JET,
    Structure.RV_PAPILLARY_MUSCLE, Structure.TRICUSPID_LEAFLETS, Structure.PULMONARY_LEAFLETS, Structure.LEAD_IN_RA,
    Structure.LEAD_IN_RV,
)  # fmt: skip
"""What beats, and smears the scan where it is not caught at rest."""
DENSE_BLOOD = (
    Structure.SUPERIOR_VENA_CAVA, Structure.RA_BLOOD, Structure.RA_CAVAL_JET, Structure.RV_BLOOD, Structure.RV_JET,
)  # fmt: skip
"""What throws streaks where the contrast medium is dense."""
PARTIAL_VOLUME = 1.4  # voxels: the least a slice averages, since a voxel of the map holds one structure only
DENSE = 300.0  # HU above which contrast medium throws streaks


class Scan(NamedTuple):
    """image (D0, D1, D2) float32 HU, labels (D0, D1, D2) uint8, 1 = LA, 2 = LV, and structures (D0, D1, D2) uint8, of
    one grid; beyond the field of view all are empty."""

    image: torch.Tensor
    labels: torch.Tensor
    structures: torch.Tensor


def scan(
    structures: torch.Tensor,
    spacing: Sequence[float],
    acquisition: Acquisition,
    generator: torch.Generator,
    moments: Sequence[torch.Tensor] = (),
    tissues: Tissues | None = None,
) -> Scan:
    """Simulate one scan; every call draws noise and artefacts afresh, and tissue values where none are given.

    Image and labels end together at the field of view: beyond it the image is air and nothing is labelled.

    Args:
        structures: (D0, D1, D2) uint8, values of `Structure`; axes run right, anterior, superior, the last across
            slices.
        spacing: voxel size along the three axes, mm.
        acquisition: how the scan is made.
        generator: source of all randomness, on the device of `structures`.
        moments: the same of other moments that the scan lasts for, on every second voxel, `structures` being that in
            the middle: the image is the mean of all. A scan with steps between its slabs has no such blur.
        tissues: of `draw_tissues`.
    """
    spacing = [float(s) for s in spacing]
    rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=generator, device=generator.device)))
    tissues = draw_tissues(rng, acquisition.contrast) if tissues is None else tissues
    shape, device = structures.shape, structures.device
    blur = None if acquisition.step else _exposure(structures, moments, torch.from_numpy(tissues.mean).to(device))
    if acquisition.step:
        structures = shift_slabs(structures, spacing, acquisition.step, rng)
    index = structures.int()
    mean, mixing, filaments, texture = (
        torch.from_numpy(table).to(device)
        for table in (tissues.mean, tissues.mixing, tissues.filaments, tissues.texture)
    )
    image = mean[index]
    image.addcmul_(mixing[index], random_field(shape, spacing, tissues.mixing_scale, generator))
    if tissues.filaments.any():
        # long in a random direction; bright where the field passes zero
        scales = tissues.filament_scale * rng.permutation([1.0, 1.3, 2.5])
        strings = random_field(shape, spacing, scales, generator).abs_().mul_(-2.0).add_(1.6)
        image.addcmul_(filaments[index], strings)
    image.addcmul_(texture[index], random_field(shape, spacing, float(rng.uniform(3, 6)), generator))
    if blur is not None:
        image += blur
    if acquisition.motion:
        image = blur_by_motion(image, _table(HEART, 1.0, device)[index] > 0, spacing, acquisition.motion, rng)
    density = _streaking(tissues, acquisition, device)[index]
    if density.any():
        image += streaks(density, spacing, rng, generator)
    if acquisition.starvation:
        image.add_(starvation_bands(shape, spacing, rng, generator), alpha=acquisition.starvation)
    image.add_(random_field(shape, spacing, 80.0, generator), alpha=acquisition.shading)

    image = _reconstruct(image, spacing, acquisition, generator).clamp_(LOWEST, HIGHEST)
    labels = chamber_labels(structures)
    outside = ~field_of_view(labels, spacing, acquisition.cut, acquisition.circle, rng)
    structures = structures.masked_fill(outside, int(Structure.AIR))
    return Scan(image.masked_fill_(outside, AIR), labels.masked_fill_(outside, 0), structures)


def _exposure(structures: torch.Tensor, moments: Sequence[torch.Tensor], mean: torch.Tensor) -> torch.Tensor | None:
    """What the mean of several moments adds to the image of the one in the middle, (D0, D1, D2) HU: coarse, since it is
    smooth where something moves and nothing elsewhere."""
    if not moments:
        return None
    middle = mean[structures[::2, ::2, ::2].int()]
    added = sum(mean[each.int()] for each in moments).sub_(len(moments) * middle).div_(len(moments) + 1)
    size = [2 * length - 1 for length in added.shape]
    fine = F.interpolate(added[None, None], size=size, mode="trilinear", align_corners=True)
    pad = [extent for n, m in zip(structures.shape[::-1], size[::-1], strict=True) for extent in (0, n - m)]
    return F.pad(fine, pad, mode="replicate")[0, 0]


def _reconstruct(
    image: torch.Tensor, spacing: Sequence[float], acquisition: Acquisition, generator: torch.Generator
) -> torch.Tensor:
    """Kernel and noise in the axial plane, slices along the last axis."""
    image = smooth(image, (acquisition.blur / spacing[0], acquisition.blur / spacing[1], 0))
    averaging, interpolation = slice_operators(
        image.shape[2], spacing[2], acquisition.slice_thickness, acquisition.slice_increment, acquisition.first_slice
    )
    noise = noise_like(image, (acquisition.grain / spacing[0], acquisition.grain / spacing[1], 0), generator)
    # averaging over a slice takes noise away: as much more goes in for the slices to have the level that is asked for
    image.add_(noise, alpha=acquisition.noise / float(np.median(np.linalg.norm(averaging, axis=1))))
    image = image @ torch.from_numpy(averaging.T.astype(np.float32)).to(image.device)
    if acquisition.overshoot:
        detail = image - smooth(image, (1.2 / spacing[0], 1.2 / spacing[1], 0))
        image.add_(detail, alpha=acquisition.overshoot)
    return image @ torch.from_numpy(interpolation.T.astype(np.float32)).to(image.device)


def slice_operators(
    count: int, spacing: float, thickness: float, increment: float, first: float
) -> tuple[np.ndarray, np.ndarray]:
    """What a series of slices does along its axis: mean over the thickness of each, then linear interpolation.

    Slices closer than the voxels stand on the voxels, since finer ones would be lost on the way back.

    Args:
        count: voxels along the axis.
        spacing: of the voxels, mm.
        thickness: of a slice, mm.
        increment: from slice to slice, mm.
        first: from the first voxel centre to the first slice that lies in the volume, mm; slices at both ends of the
            volume come on top.

    Returns:
        averaging (S, count), rows summing to 1, and interpolation (count, S), both float64.
    """
    voxels = np.arange(count) * spacing
    slices = voxels
    if increment > spacing:
        slices = np.unique(np.clip(np.arange(first - increment, voxels[-1] + increment, increment), 0, voxels[-1]))
    half = max(thickness, PARTIAL_VOLUME * spacing) / 2
    upper = np.minimum(slices[:, None] + half, voxels + spacing / 2)
    lower = np.maximum(slices[:, None] - half, voxels - spacing / 2)
    averaging = np.clip(upper - lower, 0, None)
    averaging /= averaging.sum(axis=1, keepdims=True)
    return averaging, np.stack([np.interp(voxels, slices, unit) for unit in np.eye(len(slices))], axis=1)


def _streaking(tissues: Tissues, acquisition: Acquisition, device: torch.device) -> torch.Tensor:
    """(256,) float32 over `Structure`: HU beyond ordinary tissue of what throws streaks, times their strength."""
    metal = (Structure.METAL, Structure.LEAD_IN_RA, Structure.LEAD_IN_RV)
    table = _table(metal, acquisition.metal_streaks * float(tissues.mean[Structure.METAL]), device)
    for structure in DENSE_BLOOD:
        excess = max(0.0, float(tissues.mean[structure]) - DENSE)
        table[int(structure)] = acquisition.contrast_streaks * excess
    return table


def _table(structures: Sequence[Structure], value: float, device: torch.device) -> torch.Tensor:
    table = torch.zeros(256, device=device)
    table[[int(structure) for structure in structures]] = value
    return table
