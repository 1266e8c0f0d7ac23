"""Implicit shapes in millimetres: a function of space that is negative inside and roughly a distance near the surface.

Points are tensors (3, ...) of patient coordinates (RAS mm, heart-centred); parameters are small numpy arrays, so that
a shape can be evaluated on any device. Every bounded shape knows a box that contains it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

Bounds = tuple[np.ndarray, np.ndarray]


def along(points: torch.Tensor, direction: np.ndarray, origin: np.ndarray) -> torch.Tensor:
    """Coordinate of points (3, ...) along a direction (3,), measured from an origin (3,): shape (...), mm."""
    x, y, z = (float(c) for c in direction)
    return points[0] * x + points[1] * y + points[2] * z - float(np.dot(direction, origin))


def unit(vector: np.ndarray) -> np.ndarray:
    """The vector (3,) divided by its length."""
    vector = np.asarray(vector, dtype=float)
    return vector / np.linalg.norm(vector)


def smooth_min(a: torch.Tensor, b: torch.Tensor, width: float) -> torch.Tensor:
    """Minimum with a fillet of about `width` mm (quadratic polynomial blend)."""
    blend = (width - (a - b).abs()).clamp_(min=0)
    return torch.minimum(a, b) - blend * blend * (0.25 / width)


def smooth_max(a: torch.Tensor, b: torch.Tensor, width: float) -> torch.Tensor:
    """Maximum with a rounded edge of about `width` mm."""
    return -smooth_min(-a, -b, width)


class Shape:
    """A region of space: `distance(points)` is negative inside; `bounds` is a box (low, high) that contains it."""

    bounds: Bounds

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def distance_at(self, point: np.ndarray) -> float:
        """Distance at one point (3,), mm."""
        return float(self.distance(torch.as_tensor(point, dtype=torch.float64).reshape(3, 1))[0])


@dataclass(frozen=True)
class Ellipsoid(Shape):
    """Ellipsoid: centre (3,), axes (3, 3) with unit columns, semi-axes (3,) in mm.

    The distance is the first-order estimate k (k - 1) / |grad|, k being the norm of the scaled local coordinate.
    """

    centre: np.ndarray
    axes: np.ndarray
    semi: np.ndarray

    @property
    def bounds(self) -> Bounds:
        half = np.sqrt(((self.axes * self.semi) ** 2).sum(axis=1))
        return self.centre - half, self.centre + half

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        first = second = 0.0
        for axis, semi in zip(self.axes.T, self.semi, strict=True):
            scaled = along(points, axis / semi, self.centre)
            first = first + scaled * scaled
            second = second + scaled * scaled * float(1 / semi**2)
        norm = first.sqrt()
        return norm * (norm - 1) / second.sqrt().clamp(min=1e-6)


@dataclass(frozen=True)
class Superellipsoid(Shape):
    """Between an ellipsoid (`fill` 0) and a box with round edges (1), of the same semi-axes; to the negative side of
    its third axis `back` times as long."""

    centre: np.ndarray
    axes: np.ndarray
    semi: np.ndarray
    fill: float = 0.0
    back: float = 1.0

    @property
    def bounds(self) -> Bounds:
        reach = max(1.0, self.back) * self.semi
        half = np.abs(self.axes * reach).sum(axis=1) if self.fill else np.sqrt(((self.axes * reach) ** 2).sum(axis=1))
        return self.centre - half, self.centre + half

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        squares, gradient = [], 0.0
        for k, (axis, semi) in enumerate(zip(self.axes.T, self.semi, strict=True)):
            scaled = along(points, axis / semi, self.centre)
            squares.append(scaled * scaled)
            if k == 2 and self.back != 1:
                squares[k] *= torch.where(scaled < 0, 1 / self.back**2, 1.0)
            gradient = gradient + squares[k] * float(1 / semi**2)
        norm = sum(squares).sqrt_()
        distance = norm * (norm - 1) / gradient.sqrt_().clamp_(min=1e-6)
        if self.fill:
            boxed = sum(s * s for s in squares).sqrt_().sqrt_()
            distance += self.fill * (boxed - norm) * float(self.semi.mean())
        return distance


@dataclass(frozen=True)
class Cone(Shape):
    """Round-ended segment from `start` to `end` (3,), radius going linearly from one end to the other, mm."""

    start: np.ndarray
    end: np.ndarray
    start_radius: float
    end_radius: float

    @property
    def bounds(self) -> Bounds:
        low = np.minimum(self.start - self.start_radius, self.end - self.end_radius)
        return low, np.maximum(self.start + self.start_radius, self.end + self.end_radius)

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        step = self.end - self.start
        t = along(points, step / max(float(step @ step), 1e-9), self.start).clamp_(0, 1)
        squared = 0.0
        for i in range(3):
            offset = points[i] - float(self.start[i]) - t * float(step[i])
            squared = squared + offset * offset
        return squared.sqrt() - (self.start_radius + t * float(self.end_radius - self.start_radius))


@dataclass(frozen=True)
class Union(Shape):
    """Union of shapes with fillets of `width` mm; plain union where `width` is 0."""

    parts: tuple[Shape, ...]
    width: float = 0.0

    @property
    def bounds(self) -> Bounds:
        lows, highs = zip(*(part.bounds for part in self.parts), strict=True)
        swell = self.width / 4
        return np.min(lows, axis=0) - swell, np.max(highs, axis=0) + swell

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        result = self.parts[0].distance(points)
        for part in self.parts[1:]:
            other = part.distance(points)
            result = smooth_min(result, other, self.width) if self.width else torch.minimum(result, other)
        return result


@dataclass(frozen=True)
class Cut(Shape):
    """The part of a shape on the near side of a plane: where (x - origin) . normal < 0, edge rounded by `width` mm."""

    shape: Shape
    origin: np.ndarray
    normal: np.ndarray
    width: float = 0.0

    @property
    def bounds(self) -> Bounds:
        return self.shape.bounds

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        inside, plane = self.shape.distance(points), along(points, self.normal, self.origin)
        return smooth_max(inside, plane, self.width) if self.width else torch.maximum(inside, plane)


@dataclass(frozen=True)
class Difference(Shape):
    """A shape dented by another that comes no nearer than `clearance` mm; the rim is rounded by `width` mm."""

    shape: Shape
    other: Shape
    clearance: float
    width: float

    @property
    def bounds(self) -> Bounds:
        return self.shape.bounds

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        return smooth_max(self.shape.distance(points), self.clearance - self.other.distance(points), self.width)


def tube(points: Sequence[np.ndarray], radii: Sequence[float], pieces: int = 4) -> Union:
    """Tube through K points (3,) with K radii: a Catmull-Rom spline cut into `pieces` round cones a span."""
    p = np.asarray(points, dtype=float)
    p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.arange(pieces)[:, None] / pieces
    spans = [
        b + 0.5 * t * (c - a) + t**2 * (a - 2.5 * b + 2 * c - 0.5 * d) + t**3 * (1.5 * (b - c) + 0.5 * (d - a))
        for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True)
    ]
    path = np.concatenate([*spans, p[-2:-1]])
    radius = np.interp(np.arange(len(path)) / pieces, np.arange(len(radii)), radii)
    return Union(tuple(Cone(*ends) for ends in zip(path[:-1], path[1:], radius[:-1], radius[1:], strict=True)))


def settle(
    points: Sequence[np.ndarray], shape: Shape, clearance: float, *, only_outwards: bool = False, steps: int = 4
) -> list[np.ndarray]:
    """Move points (3,) along the gradient of a shape's distance until they lie `clearance` mm from its surface.

    With `only_outwards`, points that are farther than the clearance stay where they are.
    """
    moved = []
    for point in points:
        point = np.asarray(point, dtype=float)
        for _ in range(steps):
            probe = torch.from_numpy(np.concatenate([point + np.zeros((1, 3)), point + np.eye(3)]).T)
            d = shape.distance(probe).numpy()
            if only_outwards and d[0] >= clearance:
                break
            gradient = d[1:] - d[0]
            point = point + (clearance - d[0]) * gradient / max(float(np.linalg.norm(gradient)), 1e-3)
        moved.append(point)
    return moved


@dataclass(frozen=True)
class Waves:
    """A smooth random field: a sum of plane waves. Vectors (n, 3) in rad/mm, phases (n,), amplitudes (n, channels)."""

    vectors: np.ndarray
    phases: np.ndarray
    amplitudes: np.ndarray

    @classmethod
    def draw(
        cls, rng: np.random.Generator, count: int, wavelength: tuple[float, float], rms: float, channels: int = 1
    ) -> Waves:
        """`count` waves with wavelengths (mm) from a range; each channel has the given root mean square on average."""
        directions = rng.normal(size=(count, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        vectors = directions * (2 * np.pi / rng.uniform(*wavelength, size=(count, 1)))
        amplitudes = rng.normal(size=(count, channels)) * rms * np.sqrt(2 / count)
        return cls(vectors, rng.uniform(0, 2 * np.pi, count), amplitudes)

    def __call__(self, points: torch.Tensor) -> torch.Tensor:
        """Field at points (3, ...): (channels, ...)."""
        result = torch.zeros((self.amplitudes.shape[1], *points.shape[1:]), dtype=points.dtype, device=points.device)
        for vector, phase, amplitudes in zip(self.vectors, self.phases, self.amplitudes, strict=True):
            wave = along(points, vector, np.zeros(3)).add_(float(phase)).sin_()
            for channel, amplitude in zip(result, amplitudes, strict=True):
                channel.add_(wave, alpha=float(amplitude))
        return result
