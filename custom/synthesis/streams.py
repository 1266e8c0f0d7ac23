"""Random numbers of a seed: what is drawn under a name has a stream of its own, so that a parameter or an organ that
comes to the population changes nothing else about its patients."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, name: str) -> np.random.Generator:
    """The generator that belongs to `name` under a non-negative `seed`, at its beginning."""
    return np.random.default_rng([seed, int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")])


class Draws:
    """Single numbers of a seed, each by its name; the order of the calls does not matter."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def uniform(self, name: str, low: float, high: float) -> float:
        return float(stream(self.seed, name).uniform(low, high))

    def normal(self, name: str, mean: float, deviation: float, low: float, high: float) -> float:
        """Clipped to [low, high]."""
        return float(np.clip(stream(self.seed, name).normal(mean, deviation), low, high))

    def log_normal(self, name: str, median: float, sigma: float, low: float, high: float) -> float:
        """Clipped to [low, high]; `sigma` is the standard deviation of the logarithm."""
        return float(np.clip(median * np.exp(sigma * stream(self.seed, name).normal()), low, high))

    def chance(self, name: str, probability: float) -> bool:
        return bool(stream(self.seed, name).uniform() < probability)
