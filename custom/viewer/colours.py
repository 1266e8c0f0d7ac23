"""Colours on the page."""

from __future__ import annotations

from colorsys import hsv_to_rgb

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_rgb

from ..chambers import CHAMBERS

LANDMARK = {"ok": (141, 240, 90), "check": (255, 210, 77)}
"""By trust; of one that is not to be used nothing is drawn."""
BRIGHTEST_MM, STEPS = 2.0, 41
"""Expected error from which on the colour is the brightest, and colours up to there."""
_UNKNOWN = (150, 150, 150)
_TURN = 0.618
"""Of the circle of hues from one region to the next: those that lie side by side differ well."""


def of_structure(name: str) -> tuple[int, int, int]:
    """RGB, 0 to 255."""
    return _bytes(to_rgb(CHAMBERS[name].colour))


def of_region(value: int) -> tuple[int, int, int]:
    """RGB, 0 to 255, of a value of `custom.anatomy.regions.REGIONS`; 0, which is unknown, is grey."""
    return _UNKNOWN if value == 0 else _bytes(hsv_to_rgb(value * _TURN % 1.0, 0.65, 0.95))


def of_errors() -> list[tuple[int, int, int]]:
    """RGB, 0 to 255, of expected errors from 0 to `BRIGHTEST_MM`, in even steps."""
    return [_bytes(colour[:3]) for colour in colormaps["inferno"](np.linspace(0.15, 1, STEPS))]


def step_of(error_mm: np.ndarray) -> np.ndarray:
    """The place (V,) uint8 of expected errors (V,) among `of_errors`."""
    return np.clip(np.rint(error_mm / BRIGHTEST_MM * (STEPS - 1)), 0, STEPS - 1).astype(np.uint8)


def swatch(colour: tuple[int, int, int]) -> str:
    """A small square of a colour as SVG."""
    shown = "#{:02x}{:02x}{:02x}".format(*colour)
    return f'<svg class="swatch" viewBox="0 0 1 1"><rect width="1" height="1" fill="{shown}"/></svg>'


def _bytes(colour: tuple[float, float, float]) -> tuple[int, int, int]:
    red, green, blue = (round(255 * part) for part in colour)
    return red, green, blue
