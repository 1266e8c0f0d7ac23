"""The lungs: vessels, and what fills them in disease: effusion, collapse, consolidation."""

from __future__ import annotations

import numpy as np
import torch

from .canvas import Canvas
from .chest import Chest
from .heart import Heart
from .shapes import Cone, Ellipsoid, Waves, along
from .streams import stream
from .structures import Structure


def paint_lungs(canvas: Canvas, heart: Heart, chest: Chest, inside: torch.Tensor) -> None:
    """Paint the lungs into what is left free inside the cage.

    Args:
        canvas: what is painted on.
        heart, chest: what vessels and diseases are placed by.
        inside: (D0, D1, D2) bool, the inside of the cage.
    """
    for side, name in ((1.0, "right lung"), (-1.0, "left lung")):
        rng = stream(heart.patient.seed, name)
        _paint_disease(canvas, heart, chest, inside, side, rng)
        _paint_vessels(canvas, heart, side, rng)
    canvas.fill(Structure.LUNG, inside)


def _paint_disease(
    canvas: Canvas, heart: Heart, chest: Chest, inside: torch.Tensor, side: float, rng: np.random.Generator
) -> None:
    """Fluid behind a lung with the collapsed lung on it, or a patch of consolidation, in one lung."""
    effusion, patch = rng.uniform() < 0.12, rng.uniform() < 0.10
    if not (effusion or patch or rng.uniform() < 0.25):
        return
    free = inside & (canvas.structures == 0) & ((canvas.points[0] - float(heart.spine[0])) * side > 0)
    wavy = Waves.draw(rng, 5, (25, 80), 1.0)(canvas.points)[0]
    # fluid and collapse are where the patient lies on, more of both at the bottom
    up = heart.patient.up
    lowest = np.array([*chest.middle, 0.0]) - up * [chest.half_width, chest.half_depth, 0.0]
    depth = along(canvas.points, up, lowest) + 0.25 * (canvas.points[2] - float(chest.heart_bottom)).clamp(min=0)
    level = float(rng.uniform(20, 100)) if effusion else float(rng.uniform(5, 25))
    if effusion:
        canvas.fill(Structure.EFFUSION, free & (depth + 2 * wavy < level))
    canvas.fill(Structure.ATELECTASIS, free & (depth + 6 * wavy < level + float(rng.uniform(4, 30))))
    if patch:
        place = np.array([*chest.middle, heart.la[2]]) + [side * rng.uniform(50, 100), 0, 0]
        place = place + rng.uniform([0, -60, -60], [0, 60, 110])
        blob = Ellipsoid(place, np.eye(3), rng.uniform(12, 55, 3))
        window = canvas.window(blob.bounds, 6.0)
        distance = blob.distance(canvas.points[(slice(None), *window)]) + 5 * wavy[window]
        kind = Structure.CONSOLIDATION if rng.uniform() < 0.6 else Structure.ATELECTASIS
        canvas.fill(kind, free[window] & (distance < 0), window)


def _paint_vessels(canvas: Canvas, heart: Heart, side: float, rng: np.random.Generator) -> None:
    """Branching trees from the hilum into the lung."""
    hilum = heart.la + np.array([side * 55.0, -10, 12])
    for _ in range(16):
        direction = rng.normal(size=3) * [0.5, 0.9, 1.0] + [side * 0.9, -0.1, 0]
        direction /= np.linalg.norm(direction)
        radius, start = rng.uniform(2.0, 4.0), hilum
        for length in (24.0, 24.0, 22.0):
            end = start + length * direction
            canvas.paint(Structure.LUNG_VESSEL, Cone(start, end, radius, 0.75 * radius))
            fork = direction + rng.normal(0, 0.6, 3)
            twig = end + 22 * fork / np.linalg.norm(fork)
            canvas.paint(Structure.LUNG_VESSEL, Cone(end, twig, 0.6 * radius, 0.35 * radius))
            direction = direction + rng.normal(0, 0.35, 3)
            direction /= np.linalg.norm(direction)
            start, radius = end, 0.7 * radius
