"""The upper abdomen: liver, stomach, spleen, kidneys and bowel, under the diaphragm and between fat."""

from __future__ import annotations

import numpy as np
import torch

from .canvas import Canvas
from .chest import Chest
from .heart import Heart
from .shapes import Cone, Ellipsoid, Shape, Waves, along
from .streams import stream
from .structures import Structure


def _hollow(
    canvas: Canvas,
    shape: Shape,
    under: torch.Tensor,
    content: Structure,
    gas: Structure,
    level: tuple[np.ndarray, np.ndarray],
) -> None:
    """An organ with gas above its content; `level` is a point (3,) of the surface between and the direction up (3,)."""
    window = canvas.window(shape.bounds)
    points = canvas.points[(slice(None), *window)]
    distance = shape.distance(points)
    inside = (distance < 0) & under[window]
    canvas.fill(gas, inside & (distance < -2.5) & (along(points, level[1], level[0]) > 0), window)
    canvas.fill(content, inside, window)


def paint_abdomen(canvas: Canvas, heart: Heart, chest: Chest, below: torch.Tensor) -> None:
    """Paint everything under the diaphragm.

    Args:
        canvas: what is painted on.
        heart, chest: what the organs are placed by.
        below: (D0, D1, D2) depth under the diaphragm in mm, negative above it and outside the cage.
    """
    under = below > 3.0
    if bool(under.any()):
        seed, up = heart.patient.seed, heart.patient.up
        _paint_liver(canvas, chest, under, stream(seed, "liver"))
        _paint_left_side(canvas, chest, under, up, stream(seed, "stomach and spleen"))
        _paint_kidneys_and_bowel(canvas, chest, under, up, stream(seed, "kidneys and bowel"))
        canvas.fill(Structure.FAT, under)
    canvas.fill(Structure.MUSCLE, below > 0)


def _paint_liver(canvas: Canvas, chest: Chest, under: torch.Tensor, rng: np.random.Generator) -> None:
    x, bottom = canvas.points[0] - float(chest.middle[0]), float(chest.heart_bottom)
    y, z = canvas.points[1] - float(chest.middle[1]), canvas.points[2] - bottom
    wavy = Waves.draw(rng, 3, (50, 110), 7.0)(canvas.points)[0]
    edge = rng.uniform(-70, -15) + 0.35 * y + 0.6 * z.clamp(max=0) * -1.0 + wavy
    lowest = rng.uniform(-130, -70) - 0.35 * x - 0.25 * y + wavy
    liver = under & (x > edge) & (z > lowest) & (y > -0.75 * chest.half_depth)
    middle = np.array([*chest.middle, bottom])
    for _ in range(9):
        start = middle + [rng.uniform(20, 60), rng.uniform(-20, 20), rng.uniform(-60, -20)]
        end = start + rng.normal(0, 1, 3) * [35, 35, 25]
        vessel = Cone(start, end, rng.uniform(2, 5), rng.uniform(1, 3))
        window = canvas.window(vessel.bounds)
        inside = vessel.distance(canvas.points[(slice(None), *window)]) < 0
        canvas.fill(Structure.LIVER_VESSEL, inside & liver[window], window)
    canvas.fill(Structure.LIVER, liver)


def _paint_left_side(
    canvas: Canvas, chest: Chest, under: torch.Tensor, up: np.ndarray, rng: np.random.Generator
) -> None:
    """Stomach, spleen and the left flexure of the colon."""
    middle = np.array([*chest.middle, chest.heart_bottom])
    if rng.uniform() < 0.4:
        place = middle + [-rng.uniform(55, 100), rng.uniform(15, 55), -rng.uniform(15, 50)]
        flexure = Ellipsoid(place, np.eye(3), rng.uniform([22, 18, 18], [40, 30, 32]))
        level = place + rng.uniform(-15, 10) * up
        _hollow(canvas, flexure, under, Structure.BOWEL, Structure.BOWEL_GAS, (level, up))
    place = middle + [-rng.uniform(55, 75), rng.uniform(-15, 15), -rng.uniform(30, 45)]
    stomach = Ellipsoid(place, np.eye(3), rng.uniform([28, 32, 26], [45, 50, 42]))
    level = place + rng.uniform(-10, 40) * up
    _hollow(canvas, stomach, under, Structure.STOMACH, Structure.STOMACH_GAS, (level, up))
    place = middle + [-rng.uniform(85, 105), -rng.uniform(35, 60), -rng.uniform(25, 55)]
    spleen = Ellipsoid(place, np.eye(3), rng.uniform([20, 30, 35], [30, 42, 50]))
    window = canvas.window(spleen.bounds)
    inside = spleen.distance(canvas.points[(slice(None), *window)]) < 0
    canvas.fill(Structure.SPLEEN, inside & under[window], window)


def _paint_kidneys_and_bowel(
    canvas: Canvas, chest: Chest, under: torch.Tensor, up: np.ndarray, rng: np.random.Generator
) -> None:
    bottom, spine = float(chest.heart_bottom), chest.spine
    for side in (1.0, -1.0):
        place = np.array([spine[0] + side * rng.uniform(50, 65), spine[1] + rng.uniform(-10, 10), bottom])
        kidney = Ellipsoid(place - [0, 0, rng.uniform(90, 130)], np.eye(3), rng.uniform([22, 22, 45], [30, 30, 58]))
        window = canvas.window(kidney.bounds)
        inside = kidney.distance(canvas.points[(slice(None), *window)]) < 0
        canvas.fill(Structure.KIDNEY, inside & under[window], window)
        psoas = Cone(spine + [side * 24, 2, -170], spine + [side * 42, 14, -330], 8.0, 24.0)
        canvas.paint(Structure.MUSCLE, psoas)
    for _ in range(22):  # loops, with gas in front of what they hold
        offset = rng.uniform([-105, -10, -260], [105, 0.75 * chest.half_depth, -75])
        loop = Ellipsoid(
            np.array([*chest.middle, bottom]) + offset, np.linalg.qr(rng.normal(size=(3, 3)))[0],
            rng.uniform([12, 12, 18], [22, 22, 45]),
        )  # fmt: skip
        level = loop.centre + rng.uniform(-10, 40) * up
        _hollow(canvas, loop, under, Structure.BOWEL, Structure.BOWEL_GAS, (level, up))
