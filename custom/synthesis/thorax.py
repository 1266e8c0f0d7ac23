"""The chest around the mediastinum: spine, ribs, sternum, and what they hold and what covers them."""

from __future__ import annotations

import numpy as np
import torch

from .abdomen import paint_abdomen
from .body import paint_body
from .canvas import Canvas
from .chest import Chest
from .heart import Heart
from .lungs import paint_lungs
from .shapes import Ellipsoid, Waves, tube
from .streams import stream
from .structures import Structure


def _paint_spine(canvas: Canvas, heart: Heart, chest: Chest, rng: np.random.Generator) -> None:
    p, spine = heart.patient, heart.spine
    reach = np.array([48.0, 75.0, 400.0])
    window = canvas.window((spine - reach, spine + reach))
    points = canvas.points[(slice(None), *window)]
    z = points[2] - float(spine[2])
    x = points[0] - float(spine[0]) + p.scoliosis * torch.sin(z * (1 / 55))
    y = points[1] - float(spine[1]) - chest.spine_forward(z)
    period = rng.uniform(23, 29)
    phase = ((z / period + rng.uniform()) % 1.0 - 0.5) * period  # 0 in the middle of a vertebra
    waist = 1 - 0.10 * torch.cos(phase * (2 * np.pi / period))
    r = p.spine_radius
    body = ((x / (1.12 * r)) ** 2 + (y / (0.92 * r)) ** 2).sqrt() * r - r * waist
    disc = phase.abs() > period / 2 - rng.uniform(1.5, 3.0)
    canal = (x * x + (y + 1.35 * r) ** 2).sqrt() - 8.5
    spread = phase + 0.5 * (y + 2 * r)  # processes slope downwards
    arch = torch.maximum(canal - rng.uniform(4, 6), phase.abs() - 0.42 * period)
    tip = 3.9 * r - 0.15 * (z - 60).clamp(min=0)  # shorter in the neck
    spinous = torch.maximum(torch.maximum(x.abs() - 3.5, spread.abs() - 8), torch.maximum(-(y + tip), y + 1.6 * r))
    transverse = ((y + 1.5 * r + 0.25 * x.abs()) ** 2 + (phase - 2) ** 2).sqrt() - 5.5
    transverse = torch.maximum(transverse, x.abs() - 32)
    canvas.fill(Structure.SPINAL_CANAL, canal < 0, window)
    canvas.fill(Structure.DISC, (body < 0) & disc, window)
    end_plate = phase.abs() > period / 2 - 4.0
    processes = torch.minimum(arch, torch.minimum(spinous, transverse))
    canvas.fill(Structure.CORTICAL_BONE, (body < 0) & ((body > -1.4) | end_plate), window)
    canvas.fill(Structure.CORTICAL_BONE, (processes < 0) & (processes > -1.8) & (body > 0), window)
    canvas.fill(Structure.MARROW, torch.minimum(body, processes) < 0, window)


def _paint_ribs(canvas: Canvas, chest: Chest, period: float, cage: torch.Tensor, rng: np.random.Generator) -> None:
    points = canvas.points
    x, y = points[0] - float(chest.middle[0]), points[1] - float(chest.front)
    # sternum: a flat plate in the middle of the front
    width, half = rng.uniform(14, 20), rng.uniform(4.0, 6.0)
    plate = torch.maximum(x.abs() - width, (cage - half).abs() - half)
    high = (points[2] > float(chest.heart_bottom) - rng.uniform(-15, 20)) & (points[2] < chest.top - 45)
    plate = torch.where((points[1] > float(chest.middle[1])) & high, plate, 1e3)
    canvas.fill(Structure.CORTICAL_BONE, (plate < 0) & (plate > -1.3))
    canvas.fill(Structure.MARROW, plate < 0)
    # ribs run forwards and downwards
    slope = rng.uniform(0.35, 0.75)
    phase = points[2] + slope * (y + 2 * chest.half_depth)
    phase = ((phase / period + rng.uniform()) % 1.0 - 0.5) * period
    rib = ((phase / rng.uniform(5.5, 7.5)) ** 2 + ((cage - 4) / 4.2) ** 2).sqrt()
    rib = torch.where(points[2] > chest.costal_margin(points[1]), rib, 2.0)
    cartilage = (y > -0.45 * chest.half_depth) & (x.abs() < rng.uniform(45, 75))
    canvas.fill(Structure.CARTILAGE, (rib < 1) & cartilage)
    canvas.fill(Structure.CORTICAL_BONE, (rib < 1) & (rib > 0.62))
    canvas.fill(Structure.MARROW, rib < 1)


def paint_thorax(canvas: Canvas, heart: Heart, chest: Chest) -> None:
    """Paint the chest round a mediastinum that has been painted before."""
    p = heart.patient
    rng = stream(p.seed, "thorax")
    points = canvas.points
    _paint_spine(canvas, heart, chest, rng)
    cage = chest.cage(points) + Waves.draw(rng, 4, (90, 200), 2.0)(points)[0]
    _paint_ribs(canvas, chest, p.rib_period, cage, rng)

    # fat in front of and above the heart, and round the spine, keeps the lungs apart
    column = np.array([chest.middle[0], chest.front, 0.0])
    anterior = tube(
        [column + [-4, -2, -200], column + [-2, -3, 0], column + [4, -4, 200]], rng.uniform([6, 6, 8], [22, 16, 22]), 2
    )
    top = np.array([heart.spine[0], 0.5 * (heart.spine[1] + chest.front), 0.0])
    superior = Ellipsoid(top + [0, 0, heart.roof + 90], np.eye(3), np.array([rng.uniform(24, 34), 50.0, 75.0]))
    inside = cage < 0
    for shape in (*anterior.parts, superior):
        window = canvas.window(shape.bounds)
        fat = shape.distance(points[(slice(None), *window)]) < 0
        canvas.fill(Structure.FAT, fat & inside[window], window)
    prevertebral = ((points[0] - float(heart.spine[0])) / 30) ** 2 + ((points[1] - float(heart.spine[1])) / 26) ** 2
    canvas.fill(Structure.FAT, inside & (prevertebral < 1))

    below = chest.diaphragm(points, p.right_dome, p.left_dome) - points[2]
    below = torch.where(inside, below + Waves.draw(rng, 4, (60, 150), 2.0)(points)[0], -1.0)
    paint_abdomen(canvas, heart, chest, below)
    paint_body(canvas, heart, chest, cage)
    paint_lungs(canvas, heart, chest, inside)
