"""Voxels belong to one structure each; a surface may lie around another. This turns the first into the second."""

from __future__ import annotations

import torch
from torch import Tensor

from .chambers import CHAMBERS

NOTHING = -1
"""In place of a structure's place."""


def inner_places(structures: int) -> list[int]:
    """For each of the first ``structures`` of the table the place of the one that it lies around, or ``NOTHING``."""
    names = list(CHAMBERS)[:structures]
    inner = [CHAMBERS[name].around for name in names]
    return [names.index(name) if name in names else NOTHING for name in inner]


def enclosed(parts: Tensor, inner: list[int]) -> Tensor:
    """What each surface encloses, of what belongs to each structure.

    Args:
        parts: (B, S, ...) shares or probabilities of the structures, without background.
        inner: see :func:`inner_places`.

    Returns:
        The same shape: an outer structure's together with the inner one's.
    """
    if max(inner) < 0:
        return parts
    channels = list(parts.unbind(1))
    return torch.stack([part if i < 0 else part + channels[i] for part, i in zip(channels, inner)], 1)  # noqa: B905


def own_parts(masks: Tensor) -> Tensor:
    """The other way round, of masks (S, ...) bool: an outer structure's without the inner one's."""
    parts = [mask if i < 0 else mask & ~masks[i] for mask, i in zip(masks, inner_places(len(masks)), strict=True)]
    return torch.stack(parts)
