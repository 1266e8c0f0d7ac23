"""What every reader of images shares: how a case is refused, what is noted about it, and how large it may be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

import numpy as np

from .chambers import LEFT_HEART, STRUCTURES
from .frames import spacing_of
from .text import printable

LARGEST_VOLUME = 2**31
"""Voxels of the largest image that is read: 8 GiB as float32."""
LARGEST_COMPRESSION = 1032.0
"""How many times its own size a file can hold: what deflate reaches, and no codec of images does more."""
ALL = "all"
"""Every structure of the table, where structures are asked for."""
AIR = -1000.0
"""HU of what was not measured."""
SMALLEST_SPACING, LARGEST_SPACING = 0.05, 20.0
"""mm, of voxels that an image in mm can have."""
FARTHEST = 1e5
"""mm, of an image from its frame's origin; further out the float32 of files of meshes is coarser than 0.01 mm."""
FLATTEST = 0.05
"""Smallest volume of a voxel relative to a box of its edges."""


_FROM_WORKER = "Caught InputError in DataLoader worker process"


class InputError(ValueError):
    """An input, or a key of the call, cannot be used; the message says which, why and what to do.

    `outcome` is the short name under which a case's report files the refusal. What the message quotes of names and
    headers is made `printable`.
    """

    def __init__(self, message: str, outcome: str = "unusable") -> None:
        if message.startswith(_FROM_WORKER):  # torch makes the error anew, of its trace
            message = message.rstrip().rpartition(f"{type(self).__name__}: ")[2]
        super().__init__(printable(message))
        self.outcome = outcome


class Damaged(ValueError):
    """What is wrong with a file, without a word of its own or its name, for the reader of a case to complete."""


CUT_OFF = "it ends within its header: is it complete?"


class Findings:
    """What a reader notes about one case: warnings by name, and refusals that `force` has turned into warnings."""

    def __init__(self, force: bool = False) -> None:
        self.force = force
        self.warnings: dict[str, str] = {}
        """Name to sentence, in the order of their discovery."""
        self.forced: list[str] = []
        """Names of those among `warnings` that would have been refusals."""

    def begin(self, what: str, outcome: str) -> None:
        """Note what is done next: `what` ("0007 cannot be decoded") and `outcome` name the case if that ends it."""

    def warn(self, outcome: str, sentence: str) -> None:
        """Note something that the user of the meshes should know."""
        self.warnings[outcome] = printable(sentence)

    def refuse(self, outcome: str, sentence: str) -> None:
        """Refuse the case with InputError, for its mesh could mislead; with `force` this is a warning instead."""
        if not self.force:
            raise InputError(f"{sentence} (`force` goes on all the same)", outcome)
        self.forced.append(outcome)
        self.warn(outcome, f"{sentence} (forced)")


def check_claim(shape: Sequence[int], bytes_a_voxel: float, bytes_there: float) -> None:
    """Refuse a header before anything is allocated for it.

    Args:
        shape: voxels along each axis, any number of axes, as the header claims.
        bytes_a_voxel: storage of one voxel as the header claims.
        bytes_there: bytes that the file can hold at most, after decompression; infinity where unknown.

    Raises InputError for an axis without voxels, more than `LARGEST_VOLUME`, or more than the file can hold.
    """
    claimed = "x".join(str(size) for size in shape)
    if not shape or min(shape) < 1:
        raise InputError(f"the header claims {claimed or 'no'} voxels: the file is damaged", "empty_volume")
    voxels = prod(int(size) for size in shape)
    if voxels > LARGEST_VOLUME:
        raise InputError(
            f"the header claims {claimed} voxels, more than the {LARGEST_VOLUME} that are read: is the file damaged?",
            "too_large",
        )
    if voxels * bytes_a_voxel > bytes_there:
        raise InputError(f"the header claims {claimed} voxels, more than the file holds: is it complete?", "truncated")


def smallest_dtype(rescales: Iterable[tuple[float, float]]) -> np.dtype:
    """int16, which holds the HU of most CTs, where stored numbers, rescaled by slope and intercept, may fit, else
    float32."""
    whole = all(
        slope == 1 and float(intercept).is_integer() and abs(intercept) < 2**15 for slope, intercept in rescales
    )
    return np.dtype(np.int16 if whole else np.float32)


def put(volume: np.ndarray, place: int, stored: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    """Put a plane of stored numbers, rescaled, into a volume of `smallest_dtype`; it is float32 from then on if they do
    not fit."""
    if volume.dtype == np.int16:
        if intercept == 0 and stored.dtype.name in ("int16", "int8", "uint8"):
            volume[place] = stored
            return volume
        if stored.dtype.kind in "iu" and stored.dtype.itemsize <= 4:
            low, high = int(stored.min()) + int(intercept), int(stored.max()) + int(intercept)
            if low >= -(2**15) and high < 2**15:
                # What runs over at 16 bits comes back by the intercept.
                np.add(stored.astype(np.int16, copy=False), np.int16(intercept), out=volume[place])
                return volume
        volume = volume.astype(np.float32)
    volume[place] = stored if (slope, intercept) == (1.0, 0.0) else stored * np.float64(slope) + intercept
    return volume


def spans_volume(affine: np.ndarray) -> bool:
    """Whether a voxel-to-RAS affine (4, 4) is finite, and its voxels are not flat."""
    with np.errstate(all="ignore"):
        flatness = abs(np.linalg.det(affine[:3, :3])) - FLATTEST * np.prod(spacing_of(affine))
    return bool(np.isfinite(affine).all() and flatness > 0)


def check_affine(affine: np.ndarray) -> None:
    """Refuse, with InputError, a voxel-to-RAS affine (4, 4) that is not finite, flat, or of implausible size."""
    spacing = spacing_of(affine)
    if not spans_volume(affine):
        raise InputError("the voxels' axes do not span a volume: the header is damaged", "damaged")
    if spacing.min() < SMALLEST_SPACING or spacing.max() > LARGEST_SPACING:
        sizes = " x ".join(f"{size:g}" for size in spacing)
        raise InputError(f"voxels of {sizes} mm are implausible: is the header in another unit?", "implausible_spacing")
    if (distance := float(np.abs(affine[:3, 3]).max())) > FARTHEST:
        raise InputError(
            f"the image lies {distance / 1e3:g} m from the origin of its frame: its header is damaged",
            "implausible_position",
        )


def selected(names: str | Sequence[str], known: Sequence[str], what: str) -> list[str]:
    """`names` (one, several, or several joined by commas; any case) as `known` spells them, in the order of `known`.

    Raises InputError if one is not in `known` or none is given.
    """
    parts = names.split(",") if isinstance(names, str) else names
    asked = {str(part).strip().lower() for part in parts}
    unknown = asked - {name.lower() for name in known}
    if unknown or not asked:
        raise InputError(f"{what}: {', '.join(sorted(unknown)) or 'none given'}; choose from {', '.join(known)}")
    return [name for name in known if name.lower() in asked]


def wanted_structures(structures: str | Sequence[str]) -> list[str]:
    """Names in the table's order: `structures` themselves, joined by commas or in a list, in any case, or ``all``.

    Raises InputError for any other name.
    """
    everything = isinstance(structures, str) and structures.strip().lower() == ALL
    return list(STRUCTURES) if everything else selected(structures, STRUCTURES, "structures")


def beyond_left_heart(structures: Any) -> bool:
    """Whether `structures` need weights for the whole heart; what is no list of names is refused elsewhere."""
    try:
        return not set(wanted_structures(structures)) <= set(LEFT_HEART)
    except (InputError, TypeError):
        return False
