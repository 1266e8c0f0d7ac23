"""Where the template starts: at the crop's centre (the paper), or as ellipsoids read off the soft segmentation."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch._higher_order_ops import while_loop
from torch.nn import functional as F

from ...chambers import CHAMBERS
from ...nesting import enclosed, inner_places
from ...sampling import level_coordinates
from .eigen import symmetric_eigen

FALLBACK_RADIUS = 0.2


class FixedInitialization(nn.Module):
    """The paper's: every structure starts as a sphere of radius 0.5 at the crop's centre."""

    def __init__(self, structures: int) -> None:
        super().__init__()
        self.structures = structures

    def forward(self, sphere: Tensor, logits: Tensor) -> Tensor:
        """Unit sphere (V, 3) to vertices (B, S, V, 3); of ``logits`` (B, ...) only the batch size matters."""
        return (0.5 * sphere).expand(logits.shape[0], self.structures, -1, -1)


class SegmentationInitialization(nn.Module):
    """Disjoint ellipsoids with the centroid and covariance of each chamber's soft segmentation, without gradient.

    A solid ellipsoid with semi-axes a has covariance diag(a^2) / 5, hence m + s sqrt(5) C^(1/2) x over the unit sphere.
    The scale s of two structures shrinks until neither reaches into the other, that of one inside another until it lies
    there: a flow keeps apart what starts apart, and inside what starts inside, and would keep any overlap as well. A
    structure that the segmentation lacks gets a fallback sphere.
    """

    def __init__(self, structures: int, stride: int) -> None:
        super().__init__()
        self.structures = structures
        self.stride = stride
        self.threshold = 0.3
        self.scale = 0.85
        self.shrink = 0.9
        self.margin = 0.05
        self.fallback_radius = FALLBACK_RADIUS
        if structures > len(CHAMBERS):
            raise ValueError(f"custom.chambers knows {len(CHAMBERS)} structures, asked for {structures}")
        centres = [chamber.usual_centre for chamber in CHAMBERS.values()]
        self.register_buffer("fallback", torch.tensor(centres[:structures]), persistent=False)
        self.inner = inner_places(structures)
        inside = torch.zeros(structures, structures, dtype=torch.bool)  # whether row's structure lies in column's
        for outer, inner in enumerate(self.inner):
            if inner >= 0:
                inside[inner, outer] = True
        self.register_buffer("inside", inside, persistent=False)
        self.register_buffer("apart", ~(inside | inside.T | torch.eye(structures, dtype=torch.bool)), persistent=False)

    def forward(self, sphere: Tensor, logits: Tensor) -> Tensor:
        """Places the sphere.

        Args:
            sphere: (V, 3) unit icosphere.
            logits: (B, S + 1, D0, D1, D2) class logits, background first, on the segmentation's level.

        Returns:
            (B, S, V, 3) normalised vertices.
        """
        probability = enclosed(logits.detach().softmax(1)[:, 1:], self.inner)
        probability = probability * largest_component(probability > self.threshold)
        centre, frame, axes = self._ellipsoids(probability)
        vertices = self._surfaces(sphere, centre, frame, axes)
        for _ in range(20):  # nothing moves where nothing overlaps; an early end could not be exported
            misplaced = self._misplaced(vertices, centre, frame, axes)
            axes = torch.where(misplaced.unsqueeze(-1), axes * self.shrink, axes)
            vertices = self._surfaces(sphere, centre, frame, axes)
        return vertices

    def _ellipsoids(self, probability: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Centres (B, S, 3), directions (B, S, 3, 3) in columns and semi-axes (B, S, 3) of masks (B, S, D0, D1, D2)."""
        points = level_coordinates(probability, self.stride).double()  # float32 sums differ from runtime to runtime
        weight = probability.flatten(2).double()
        mass = weight.sum(2).clamp(min=1e-6)
        mean = torch.matmul(weight, points) / mass.unsqueeze(-1)
        quadratic = (points.unsqueeze(2) * points.unsqueeze(1)).flatten(1)
        second = (torch.matmul(weight, quadratic) / mass.unsqueeze(-1)).unflatten(-1, [3, 3])
        covariance = second - mean.unsqueeze(-1) * mean.unsqueeze(-2)
        variances, frame = symmetric_eigen(covariance.to(probability.dtype))
        axes = self.scale * (5.0 * variances.clamp(min=1e-3)).sqrt()
        found = (mass > 20.0).unsqueeze(-1)  # voxels: fewer say nothing about a shape
        axes = torch.where(found, axes, torch.full_like(axes, self.fallback_radius))
        centre = torch.where(found, mean.to(probability.dtype), self.fallback.to(probability.dtype))
        return centre, frame, axes

    def _surfaces(self, sphere: Tensor, centre: Tensor, frame: Tensor, axes: Tensor) -> Tensor:
        """(V, 3) on the unit sphere to (B, S, V, 3): stretched along the directions, not turned."""
        stretch = torch.matmul(frame * axes.unsqueeze(-2), frame.transpose(-1, -2))
        return centre.unsqueeze(2) + torch.matmul(sphere, stretch)

    def _misplaced(self, vertices: Tensor, centre: Tensor, frame: Tensor, axes: Tensor) -> Tensor:
        """(B, S) True for both of two structures that reach into each other, and for one that leaves what encloses it.

        The other's ellipsoid is larger by the margin in the first case, smaller in the second.
        """
        local = torch.matmul(vertices.unsqueeze(2) - centre[:, None, :, None], frame.unsqueeze(1))
        level = (local / axes[:, None, :, None]).square().sum(-1)  # (B, S, S, V)
        reaching = (level.amin(-1) < (1.0 + self.margin) ** 2) & self.apart
        leaving = (level.amax(-1) > (1.0 - self.margin) ** 2) & self.inside
        return reaching.any(2) | reaching.any(1) | leaving.any(2)


def largest_component(mask: Tensor) -> Tensor:
    """Largest connected component of every channel, found on a grid twice as coarse.

    Every voxel of the coarse grid bears a number; the largest number spreads through the mask until nothing changes.

    Args:
        mask: (B, S, D0, D1, D2) bool.

    Returns:
        bool of the same shape; all False where the mask is empty.
    """
    coarse = F.max_pool3d(mask.float(), 2, ceil_mode=True)
    cells = coarse.shape[2] * coarse.shape[3] * coarse.shape[4]
    number = torch.arange(1, cells + 1, device=mask.device, dtype=coarse.dtype).view_as(coarse[0, 0]) * coarse
    number = _spread_fully(number, coarse)
    labels = number.flatten(2).long()  # exact: float32 holds integers up to 2^24
    size = torch.zeros(mask.shape[0], mask.shape[1], cells + 1, device=mask.device)
    size.scatter_add_(2, labels, torch.ones_like(labels, dtype=size.dtype))
    size[:, :, 0] = 0.0
    largest = (labels == size.argmax(2, keepdim=True)).view_as(coarse).to(coarse.dtype)
    fine = F.interpolate(largest, scale_factor=2.0, mode="nearest")
    return (fine[:, :, : mask.shape[2], : mask.shape[3], : mask.shape[4]] > 0.5) & mask


def _spread_fully(number: Tensor, mask: Tensor) -> Tensor:
    """Largest number of each component, at all its voxels; both (B, S, D0, D1, D2), `mask` 0 or 1."""
    if not torch.jit.is_scripting():
        if torch.compiler.is_exporting():
            return _spread_as_operator(number, mask)
    before = number
    after = _spread(number, mask)
    while bool((before != after).any()):
        before = after
        after = _spread(after, mask)
    return after


def _spread_as_operator(number: Tensor, mask: Tensor) -> Tensor:
    """The same for `torch.export`, whose graphs know no loop that ends by what it computes but this operator."""
    return while_loop(
        lambda before, after: (before != after).any(),
        lambda before, after: (after.clone(), _spread(after, mask)),
        (number, _spread(number, mask)),
    )[1]


def _spread(number: Tensor, mask: Tensor) -> Tensor:
    """Every voxel of the mask gets the largest number of its 27 neighbours, an axis at a time."""
    for axis in (2, 3, 4):
        padded = F.pad(number, [1 if axis == 4 - pair // 2 else 0 for pair in range(6)])
        size = number.shape[axis]
        beside = torch.maximum(padded.narrow(axis, 0, size), padded.narrow(axis, 2, size))
        number = torch.maximum(number, beside)
    return number * mask
