"""A voxel grid on which shapes are painted; what is painted first stays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from ..frames import spacing_of
from .shapes import Bounds, Shape, Union, Waves
from .structures import Structure

Window = tuple[slice, slice, slice]
FAR = 1e3  # mm: farther than anything on a canvas


class Canvas:
    """A structure map in the making.

    Args:
        affine: (4, 4) voxel -> patient RAS mm.
        shape: (D0, D1, D2) voxels.
        warp: displacement field with 3 channels, added to every point's coordinates, so that all structures bend
            together.
        device: where the map is computed.

    Attributes:
        points: (3, D0, D1, D2) float32, warped patient coordinates, mm.
        structures: (D0, D1, D2) uint8; a voxel that already holds a structure is never painted again.
        spacing: (3,) voxel size, mm.
        sleeve: (D0, D1, D2) float32, mm: distance to the nearest shape painted with a `reach`, as far as it reaches.
    """

    def __init__(
        self, affine: np.ndarray, shape: tuple[int, int, int], warp: Waves, device: torch.device | str = "cpu"
    ) -> None:
        affine = np.asarray(affine, dtype=float)
        axes = torch.meshgrid(*(torch.arange(n, dtype=torch.float32, device=device) for n in shape), indexing="ij")
        world = torch.stack(
            [sum(axis * float(row[k]) for k, axis in enumerate(axes)) + float(row[3]) for row in affine[:3]]
        )
        self.points = world.add_(warp(world))
        self.structures = torch.zeros(shape, dtype=torch.uint8, device=device)
        self.sleeve = torch.full(shape, FAR, device=device)
        self.spacing = spacing_of(affine)
        self._to_voxel = np.linalg.inv(affine)
        self._slack = np.abs(warp.amplitudes).sum(axis=0)

    def window(self, bounds: Bounds, margin: float = 0.0) -> Window:
        """Voxels that can hold a point of the box (low, high), widened by `margin` mm."""
        low, high = bounds
        centre = self._to_voxel[:3, :3] @ ((low + high) / 2) + self._to_voxel[:3, 3]
        half = np.abs(self._to_voxel[:3, :3]) @ ((high - low) / 2 + self._slack + margin)
        first = np.clip(np.ceil(centre - half), 0, self.structures.shape).astype(int)
        last = np.clip(np.floor(centre + half) + 1, first, self.structures.shape).astype(int)
        return tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))

    def fill(self, structure: Structure, mask: torch.Tensor, window: Window | None = None) -> None:
        """Paint where the mask (of the window's shape) is true and nothing has been painted."""
        target = self.structures[window] if window is not None else self.structures
        target.masked_fill_(mask & (target == 0), int(structure))

    def paint(self, structure: Structure, shape: Shape, reach: float = 0.0) -> None:
        """Paint the inside of a shape; record its distance in the sleeve as far as `reach` mm."""
        if isinstance(shape, Union) and shape.width == 0:
            for part in shape.parts:
                self.paint(structure, part, reach)
            return
        window = self.window(shape.bounds, reach)
        if any(s.start == s.stop for s in window):
            return
        distance = shape.distance(self.points[(slice(None), *window)])
        self.fill(structure, distance < 0, window)
        self.surround(distance, window, reach)

    def surround(self, distance: torch.Tensor, window: Window, reach: float) -> None:
        """Record a distance (of the window's shape) in the sleeve as far as `reach` mm."""
        if reach:
            sleeve = self.sleeve[window]
            torch.minimum(sleeve, distance.masked_fill(distance > reach, FAR), out=sleeve)

    def within(self, shape: Shape, window: Window, swirls: Sequence[Waves] = ()) -> torch.Tensor:
        """Where a window lies in a shape whose surface `swirls` move by so many mm: bool, of the window's shape."""
        part = self.window(shape.bounds, 10.0 if swirls else 0.0)
        starts = [max(a.start, b.start) for a, b in zip(part, window, strict=True)]
        stops = [max(min(a.stop, b.stop), start) for a, b, start in zip(part, window, starts, strict=True)]
        points = self.points[(slice(None), *(slice(*ends) for ends in zip(starts, stops, strict=True)))]
        result = torch.zeros(self.structures[window].shape, dtype=torch.bool, device=points.device)
        if points.numel():
            inside = shape.distance(points) + sum(waves(points)[0] for waves in swirls) < 0
            first = [a - w.start for a, w in zip(starts, window, strict=True)]
            result[tuple(slice(a, a + n) for a, n in zip(first, inside.shape, strict=True))] = inside
        return result

    def closing(self, mask: torch.Tensor, width: float) -> torch.Tensor:
        """The mask with gaps and notches up to about `width` mm filled: blurred on a coarse grid and cut at one half.

        Args:
            mask: (D0, D1, D2) bool.
            width: mm.
        """
        voxels = [max(1, round(0.25 * width / float(s))) for s in self.spacing]
        coarse = F.avg_pool3d(mask[None, None].float(), voxels, ceil_mode=True, count_include_pad=False)
        for axis in range(3):
            kernel = [5 if k == axis else 1 for k in range(3)]
            for _ in range(2):  # two box filters make nearly a Gaussian
                padding = [n // 2 for n in kernel]
                coarse = F.avg_pool3d(coarse, kernel, stride=1, padding=padding, count_include_pad=False)
        return F.interpolate(coarse, size=tuple(mask.shape), mode="trilinear", align_corners=False)[0, 0] > 0.5
