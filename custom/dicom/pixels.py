"""The pixels of a placed stack as HU."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby

import numpy as np
from pydicom.uid import UID, JPEGExtended12Bit

from ..inputs import AIR, LARGEST_COMPRESSION, Findings, InputError, check_claim, put, smallest_dtype
from ..runtime.halves import in_halves
from ..runtime.shared_arrays import empty, is_shared
from .decoding import frames_of
from .slices import Slice

_LUNG = -500.0
"""HU; of padding that lies higher, and may be tissue, only what reaches the edge of a slice is padding."""


def hounsfield(slices: list[Slice], findings: Findings) -> np.ndarray:
    """Decode slices, (columns, rows, slices) int16 or float32 in HU, each by its own rescale slope and intercept.

    Pixels with the padding value, or within the padding range, become air; of a value that tissue can have, only those
    that reach the edge of their slice. MONOCHROME1 turns a picture's grey levels
    round for viewing and leaves HU as they are (PS3.3 C.7.6.3.1.2), so it is read like MONOCHROME2.

    Raises:
        InputError: no rescale, values that are not HU, colour, a compression that cannot be decoded, too few bytes, or
            more voxels than are read.
    """
    _check_rescale(slices, findings)
    for part in slices:
        _check_kind(part)
    shape = (len(slices), slices[0].rows, slices[0].columns)
    there = sum(os.path.getsize(path) for path in {part.path for part in slices})
    check_claim(shape, 1, there * LARGEST_COMPRESSION)
    rescales = [(part.slope, part.intercept) if _is_rescaled(part) else (1.0, 0.0) for part in slices]
    volume = empty(shape, smallest_dtype(rescales))
    order = sorted(range(len(slices)), key=lambda index: (str(slices[index].path), slices[index].frame))
    files = [list(places) for _, places in groupby(order, key=lambda index: slices[index].path)]

    def decode(told: Findings, files: Sequence[list[int]]) -> bool:
        nonlocal volume
        for places in files:
            told.begin(f"{slices[places[0]].path.name} cannot be decoded", "undecodable")
            for index, stored in zip(places, _frames([slices[index] for index in places]), strict=True):
                _check_size(slices[index], stored)
                volume = put(volume, index, stored, *rescales[index])
                if slices[index].padding:
                    volume[index][_padding(slices[index], stored, *rescales[index])] = AIR
        return is_shared(volume)

    if is_shared(volume):
        in_halves(partial(decode, findings), partial(decode, Findings()), files)
    else:
        decode(findings, files)
    return volume.transpose(2, 1, 0)


def _frames(slices: list[Slice]) -> Iterator[np.ndarray]:
    """The stored values of slices of one file, sorted by frame."""
    first = slices[0]
    try:
        yield from frames_of(first.header, [part.frame for part in slices])
    except (OSError, MemoryError):
        raise
    except Exception as error:  # damaged bytes raise whatever they reach in pydicom and its decoders
        if first.syntax == JPEGExtended12Bit:
            message = f"{first.path.name}: lossy JPEG of 12 bits cannot be decoded here: export the series uncompressed"
            raise InputError(message, "compression") from error
        message = f"{first.path.name} cannot be decoded: it is cut off, or its header or its pixels are damaged"
        raise InputError(message, "undecodable") from error


def _is_rescaled(part: Slice) -> bool:
    return part.slope is not None and part.intercept is not None


def _check_size(part: Slice, stored: np.ndarray) -> None:
    if stored.shape != (part.rows, part.columns):
        raise InputError(f"{part.path.name}: its pixels are not {part.columns} x {part.rows}", "undecodable")


def _check_rescale(slices: list[Slice], findings: Findings) -> None:
    if any(part.slope is None or part.intercept is None for part in slices):
        findings.refuse("missing_rescale", "a slice has no rescale slope and intercept: its values may not be HU")
    numbers = np.array([(part.slope or 0.0, part.intercept or 0.0) for part in slices])
    if not np.isfinite(numbers).all() or any(part.slope == 0 for part in slices):
        raise InputError("a slice's rescale slope is zero or not finite: its header is damaged", "damaged")
    types = {part.rescale_type for part in slices} - {"HU", ""}
    if types == {"US"} and not any("DERIVED" in part.image_type for part in slices):
        findings.warn("rescale_type", "the header leaves the unit of the values open: taken as HU")
    elif types:
        findings.refuse("not_hounsfield", f"the series' values are of type {', '.join(sorted(types))}, not HU")


def _check_kind(part: Slice) -> None:
    """Refuse colour and a compression that cannot be decoded."""
    if not part.photometric.startswith("MONOCHROME"):
        raise InputError(f"{part.path.name}: an image of kind {part.photometric}, not HU", "colour")
    if part.syntax.is_encapsulated and not _decodable(part.syntax):
        raise InputError(
            f"{part.path.name}: its compression ({part.syntax.name}) cannot be decoded here; are python-gdcm (not "
            "hidden by a package named gdcm) and pylibjpeg-openjpeg installed?",
            "compression",
        )


def _decodable(syntax: UID) -> bool:
    from pydicom.pixels import get_decoder  # only here: see `read_series`

    try:
        return get_decoder(syntax).is_available
    except NotImplementedError:
        return False


def _padding(part: Slice, stored: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    """Where stored values are padding, or between the padding value and its range limit (PS3.3 C.7.5.1.1.2)."""
    # Many files write a negative value as unsigned: only its bits count.
    bits = np.iinfo(stored.dtype)
    ends = [(end - bits.min) % (bits.max - bits.min + 1) + bits.min for end in part.padding]
    padded = (stored >= min(ends)) & (stored <= max(ends))
    if padded.any() and max(end * slope + intercept for end in ends) > _LUNG:
        from scipy.ndimage import binary_propagation  # only here: hardly a file needs it

        edge = np.ones_like(padded)
        edge[1:-1, 1:-1] = False
        padded = binary_propagation(padded & edge, mask=padded)
    return padded
