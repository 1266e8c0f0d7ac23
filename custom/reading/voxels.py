"""One volume of numbers from a stream of bytes, for every format of voxels in a row."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import BinaryIO

import numpy as np
from isal import isal_zlib

from ..inputs import LARGEST_COMPRESSION, Damaged, Findings, InputError, check_claim, put, smallest_dtype
from ..runtime.shared_arrays import empty

_DAMAGED = "the image's compressed voxels are damaged: copy or export it again"
_GZIP = b"\x1f\x8b"
_PIECE = 2**16  # packed bytes that are taken at a time
_REST = 2**20  # bytes behind the last voxel that are looked at


class SeveralVolumes(InputError):
    """None of several volumes was picked; `count` is how many there are."""

    def __init__(self, count: int) -> None:
        super().__init__(f"the file holds {count} volumes: set `phase` to one of 1 to {count}", "phases")
        self.count = count


class Source:
    """The bytes of a file from where it stands on; unpacked, where they are `packed` by gzip or zlib, as they are read.

    `most` is how many it can give at most.
    """

    def __init__(self, stream: BinaryIO, packed: bool = False) -> None:
        left = os.fstat(stream.fileno()).st_size - stream.tell()
        self.most = max(left, 0) * (LARGEST_COMPRESSION if packed else 1.0)
        self._stream = stream
        self._is_packed = packed
        self._packed = b""
        self._inflater: isal_zlib.Decompress | None = None

    def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer at the end. Raises InputError where what is packed is damaged."""
        if not self._is_packed:
            return self._stream.read(size)
        content = bytearray()
        while len(content) < size and self._can_inflate():
            given = self._packed
            try:
                piece = self._inflater.decompress(given, size - len(content))
            except isal_zlib.error as error:
                raise InputError(_DAMAGED, "damaged") from error
            self._packed = self._inflater.unused_data if self._inflater.eof else self._inflater.unconsumed_tail
            if not given and not piece and not self._inflater.eof:  # what was held back is out as well
                break
            content += piece
        return bytes(content)

    def skip(self, size: int) -> None:
        """Pass over `size` bytes, or all where there are fewer."""
        while size > 0 and (content := self.read(min(size, 2**24))):
            size -= len(content)

    def check_end(self) -> None:
        """Raise InputError where what is packed ends soon, but without its checksum or with another one."""
        if self._is_packed and len(self.read(_REST)) < _REST and not self._inflater.eof:
            raise InputError(_DAMAGED, "damaged")

    def _can_inflate(self) -> bool:
        """Whether there may be something to unpack: a gzip file may be several in a row, and zeros may follow it."""
        if len(self._packed) < len(_GZIP):
            self._packed += self._stream.read(_PIECE)
        if self._inflater is None or (self._inflater.eof and self._packed.startswith(_GZIP)):
            self._inflater = _inflater(self._packed)
        return not self._inflater.eof


def _inflater(start: bytes) -> isal_zlib.Decompress:
    """What unpacks bytes that begin so: as gzip, or else as zlib."""
    return isal_zlib.decompressobj(isal_zlib.MAX_WBITS | (16 if start.startswith(_GZIP) else 0))


@dataclass(frozen=True)
class Layout:
    """How voxels follow each other."""

    shape: tuple[int, ...]
    """Sizes of all axes, the fastest first."""
    dtype: np.dtype
    """Of a number, with its byte order."""
    spatial: tuple[int, ...]
    """The axes in space, ascending; along the others there are several volumes."""
    slope: float = 1.0
    intercept: float = 0.0
    """What a number is multiplied with, and what is then added, to become a value."""

    @property
    def size(self) -> int:
        """Bytes of all voxels."""
        return prod(self.shape) * self.dtype.itemsize


def read_volume(source: Source, layout: Layout, phase: str | float | None, findings: Findings) -> np.ndarray:
    """The volume (D0, D1, D2) that `phase` picks, counted from 1, of voxels that `source` gives from now on: int16
    where that holds all its values, else float32.

    Raises InputError where the layout claims more voxels than there can be, they are damaged, the image is too flat, or
    holds several volumes and `phase` does not pick one; Damaged where there are fewer voxels.
    """
    check_claim(layout.shape, layout.dtype.itemsize, source.most)
    spatial = [layout.shape[axis] for axis in layout.spatial]
    if len(spatial) != 3 or min(spatial) < 2:
        raise InputError(f"the image of {'x'.join(map(str, layout.shape))} voxels is too flat for a volume", "too_flat")
    others = [axis for axis in range(len(layout.shape)) if axis not in layout.spatial]
    chosen = dict(zip(others, _which([layout.shape[axis] for axis in others], phase, findings), strict=True))
    kind = smallest_dtype([(layout.slope, layout.intercept)]) if layout.dtype.kind in "iu" else np.float32
    volume = empty(spatial[::-1], kind)
    # A plane holds all axes up to the second in space, those of several volumes among them.
    inner = layout.spatial[1] + 1
    outer = range(len(layout.shape) - 1, inner - 1, -1)
    of_plane = layout.shape[:inner][::-1]
    size = prod(of_plane) * layout.dtype.itemsize
    part = tuple(chosen.get(axis, slice(None)) for axis in reversed(range(inner)))
    filled = 0
    for place in np.ndindex(*(layout.shape[axis] for axis in outer)):
        if filled == len(volume):
            return volume.T
        if any(chosen.get(axis, index) != index for axis, index in zip(outer, place, strict=True)):
            source.skip(size)
            continue
        content = source.read(size)
        if len(content) < size:
            raise Damaged("it ends before its last voxel: is it complete?")
        plane = np.frombuffer(content, dtype=layout.dtype).reshape(of_plane)[part]
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is found later
            volume = put(volume, filled, plane, layout.slope, layout.intercept)
        filled += 1
    source.check_end()
    return volume.T


def _which(counts: Sequence[int], phase: str | float | None, findings: Findings) -> tuple[int, ...]:
    """The index along each axis of several volumes."""
    count = prod(counts)
    if count == 1:
        return (0,) * len(counts)
    if phase is None:
        raise SeveralVolumes(count)
    number = re.fullmatch(r"[0-9]+", str(phase))
    if number is None or not 1 <= int(phase) <= count:
        raise InputError(f"the file holds no volume {phase}: set `phase` to one of 1 to {count}", "no_phase")
    findings.warn("phase", f"volume {phase} of {count} was read")
    return tuple(int(index) for index in np.unravel_index(int(phase) - 1, counts, order="F"))
