"""How a scan is made: a protocol says what may happen and how often, an acquisition is one draw from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .tissue import Contrast


@dataclass(frozen=True)
class Acquisition:
    """Everything that decides one scan, apart from the random fields themselves."""

    contrast: Contrast
    blur: float
    """mm: standard deviation of partial volume and kernel in the axial plane."""
    overshoot: float
    """How much of the difference to a smoothed image a sharp kernel adds; 0 for a soft one."""
    noise: float
    """HU: standard deviation, before a sharp kernel amplifies it."""
    grain: float
    """mm: standard deviation of the noise's correlation in the axial plane."""
    slice_thickness: float
    """mm: each slice is the mean over so much."""
    slice_increment: float
    """mm from one slice to the next; between them values are interpolated linearly."""
    first_slice: float
    """mm from the first voxel centre to the first slice inside the volume."""
    motion: float
    """mm: how far the heart's free walls move to either side during the scan."""
    step: float
    """mm: largest shift of a slab of slices against its neighbour."""
    contrast_streaks: float
    """Strength of the streaks from dense contrast in the right heart; 0 for none."""
    metal_streaks: float
    """Strength of the streaks from metal."""
    shading: float
    """HU: standard deviation of slow drifts, as beam hardening and scatter leave."""
    starvation: float
    """HU: left-right noise bands towards the shoulders, where too few photons pass."""
    cut: bool
    """Whether the scan ends near the heart, on some of its six sides."""
    circle: bool
    """Whether the reconstruction is a circle in the axial plane."""


@dataclass(frozen=True)
class Protocol:
    """From what scans are drawn: probabilities in [0, 1] and ranges (low, high). The defaults are meant for training:
    wider than what any one hospital does, so that a network learns anatomy rather than a scanner.
    """

    contrast: Mapping[str, float] = field(
        default_factory=lambda: {"arterial": 0.44, "flushed": 0.18, "dense_right": 0.18, "venous": 0.12, "none": 0.08}
    )
    """Relative frequency of each `Contrast`."""
    noise: Sequence[float] = (3.0, 60.0)
    """HU, log-uniform."""
    slice_thickness: Sequence[float] = (0.5, 5.0)
    """mm, log-uniform."""
    overlap: float = 0.5
    """Probability that slices overlap, by up to half their thickness."""
    sharp: float = 0.25
    """Probability of a sharp kernel."""
    motion: float = 0.2
    step: float = 0.1
    contrast_streaks: float = 0.4
    """Probability that dense contrast throws streaks; in `dense_right` it always does."""
    shading: float = 0.3
    """Probability of drifts stronger than the usual few HU."""
    starvation: float = 0.1
    cut: float = 0.45
    circle: float = 0.15

    def __post_init__(self) -> None:
        unknown = set(self.contrast) - set(Contrast)
        if unknown or not sum(self.contrast.values()) > 0:
            raise ValueError(f"`contrast` weighs {', '.join(Contrast)}; it holds {dict(self.contrast)}")

    def draw(self, rng: np.random.Generator) -> Acquisition:
        """One scan of this protocol."""
        u = rng.uniform
        weights = np.array(list(self.contrast.values()), dtype=float)
        contrast = Contrast(rng.choice(list(self.contrast), p=weights / weights.sum()))
        thickness = log_uniform(rng, *self.slice_thickness)
        increment = thickness * (u(0.5, 1.0) if u() < self.overlap else 1.0)
        sharp, streaked = u() < self.sharp, contrast is Contrast.DENSE_RIGHT or u() < self.contrast_streaks
        return Acquisition(
            contrast=contrast,
            blur=u(0.45, 0.65) if sharp else u(0.5, 1.2),
            overshoot=u(0.3, 1.5) if sharp else 0.0,
            noise=log_uniform(rng, *self.noise),
            grain=u(0.3, 0.5) if sharp else u(0.4, 1.2),
            slice_thickness=thickness,
            slice_increment=increment,
            first_slice=u(0, increment),
            motion=u(1.5, 6.0) if u() < self.motion else 0.0,
            step=u(1.5, 5.0) if u() < self.step else 0.0,
            contrast_streaks=log_uniform(rng, 0.1, 1.2) if streaked else 0.0,
            metal_streaks=log_uniform(rng, 0.7, 6.0),
            shading=u(8, 25) if u() < self.shading else u(0, 8),
            starvation=u(10, 60) if u() < self.starvation else 0.0,
            cut=bool(u() < self.cut),
            circle=bool(u() < self.circle),
        )


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number between `low` and `high`, both positive, whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
