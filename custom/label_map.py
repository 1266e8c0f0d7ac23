"""Labels on a voxel grid of which only a box holds any: a heart takes a tenth of a CT, and less."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .frames import box_within


class LabelMap(NamedTuple):
    """A label map (D0, D1, D2), zero outside a box."""

    shape: tuple[int, ...]
    """(D0, D1, D2), of the whole."""
    box: tuple[slice, slice, slice]
    """The box's voxels along each axis."""
    values: NDArray[np.uint8]
    """Its labels (B0, B1, B2), in Fortran's order, as files have them."""

    def whole(self) -> NDArray[np.uint8]:
        """All labels (D0, D1, D2), in that order."""
        labels = np.zeros(self.shape, dtype=np.uint8, order="F")
        labels[self.box] = self.values
        return labels

    def part(self, box: Sequence[slice]) -> NDArray[np.uint8]:
        """The labels (E0, E1, E2) in a box that holds this one."""
        labels = np.zeros([of.stop - of.start for of in box], dtype=np.uint8, order="F")
        labels[box_within(self.box, box)] = self.values
        return labels

    def planes(self) -> Iterator[NDArray[np.uint8]]:
        """The planes (D0, D1) across the last axis in turn, in that order; each is taken before the next comes."""
        empty, (first, second, third) = np.zeros(self.shape[:2], dtype=np.uint8, order="F"), self.box
        plane = empty.copy(order="F")
        for index in range(self.shape[2]):
            inside = third.start <= index < third.stop
            if inside:
                plane[first, second] = self.values[..., index - third.start]
            yield plane if inside else empty
