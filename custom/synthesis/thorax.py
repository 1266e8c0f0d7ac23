"""The chest around the mediastinum: spine, ribs, sternum, lungs with vessels, diaphragm, upper abdomen, chest wall."""

from __future__ import annotations

import numpy as np
import torch

from .canvas import Canvas
from .heart import Heart
from .population import Stream, random_stream
from .shapes import Cone, Ellipsoid, Waves, tube
from .structures import Structure


class Chest:
    """Positions that follow from the heart's: where cage, sternum and diaphragm are (RAS mm)."""

    def __init__(self, heart: Heart) -> None:
        p = heart.patient
        bodies = [heart.right_ventricle.parts[0].bounds, heart.myocardium.bounds]
        front = max(high[1] for _, high in bodies) - 4
        self.heart_bottom = min(low[2] for low, _ in bodies) + p.heart_sink
        self.spine = heart.spine
        self.front = front + p.retrosternal
        self.back = self.spine[1] - p.spine_radius - 32
        self.half_depth = 0.5 * (self.front - self.back)
        self.half_width = max(p.cage_width, 1.02 * self.half_depth)
        self.middle = np.array([self.spine[0] - p.cage_shift * 0.5, 0.5 * (self.front + self.back)])

    def cage(self, points: torch.Tensor) -> torch.Tensor:
        """Radial distance from the inner surface of the rib cage, mm, negative inside."""
        narrowing = 1 - 0.0016 * points[2].clamp(min=0) - 0.0004 * points[2].clamp(max=0)
        x = (points[0] - float(self.middle[0])) / narrowing
        y = (points[1] - float(self.middle[1])) / narrowing
        scaled = (x / self.half_width).abs().pow(2.3) + (y / float(self.half_depth)).abs().pow(2.3)
        radius = (x * x + y * y).sqrt()
        return radius * (1 - scaled.clamp(min=1e-6).pow(-1 / 2.3))

    def diaphragm(self, points: torch.Tensor, right: float, left: float) -> torch.Tensor:
        """Height of the diaphragm above each point's column, mm."""
        x, y = points[0] - float(self.middle[0]), points[1] - float(self.middle[1])
        bottom = float(self.heart_bottom)
        dome_right = (-(((x - 70) / 62) ** 2) - ((y + 5) / 75) ** 2).exp()
        dome_left = (-(((x + 75) / 55) ** 2) - ((y + 15) / 70) ** 2).exp()
        rim = ((x / self.half_width) ** 2 + (y / float(self.half_depth)) ** 2) ** 2
        return bottom - 4 + (right + 4) * dome_right + (left + 4) * dome_left - 45 * rim


def _paint_spine(canvas: Canvas, heart: Heart, rng: np.random.Generator) -> None:
    p, spine = heart.patient, heart.spine
    reach = np.array([48.0, 75.0, 400.0])
    window = canvas.window((spine - reach, spine + reach))
    points = canvas.points[(slice(None), *window)]
    z = points[2] - float(spine[2])
    bend = 0.0009 * z * z - 0.02 * z
    x, y = points[0] - float(spine[0]), points[1] - float(spine[1]) + bend
    period = rng.uniform(23, 29)
    phase = ((z / period + rng.uniform()) % 1.0 - 0.5) * period  # 0 in the middle of a vertebra
    waist = 1 - 0.10 * torch.cos(phase * (2 * np.pi / period))
    r = p.spine_radius
    body = ((x / (1.12 * r)) ** 2 + (y / (0.92 * r)) ** 2).sqrt() * r - r * waist
    disc = phase.abs() > period / 2 - rng.uniform(1.5, 3.0)
    canal = (x * x + (y + 1.35 * r) ** 2).sqrt() - 8.5
    spread = phase + 0.5 * (y + 2 * r)  # processes slope downwards
    arch = torch.maximum(canal - rng.uniform(4, 6), phase.abs() - 0.42 * period)
    spinous = torch.maximum(torch.maximum(x.abs() - 3.5, spread.abs() - 8), torch.maximum(-(y + 3.9 * r), y + 1.6 * r))
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
    plate = torch.where((y > -25) & (points[2] > float(chest.heart_bottom) - rng.uniform(-15, 20)), plate, 1e3)
    canvas.fill(Structure.CORTICAL_BONE, (plate < 0) & (plate > -1.3))
    canvas.fill(Structure.MARROW, plate < 0)
    # ribs run forwards and downwards
    slope = rng.uniform(0.35, 0.75)
    phase = points[2] + slope * (y + 2 * chest.half_depth)
    phase = ((phase / period + rng.uniform()) % 1.0 - 0.5) * period
    rib = ((phase / rng.uniform(5.5, 7.5)) ** 2 + ((cage - 4) / 4.2) ** 2).sqrt()
    cartilage = (y > -0.45 * chest.half_depth) & (x.abs() < rng.uniform(45, 75))
    canvas.fill(Structure.CARTILAGE, (rib < 1) & cartilage)
    canvas.fill(Structure.CORTICAL_BONE, (rib < 1) & (rib > 0.62))
    canvas.fill(Structure.MARROW, rib < 1)


def _paint_lung_vessels(canvas: Canvas, heart: Heart, rng: np.random.Generator) -> None:
    """Branching trees from each hilum into its lung."""
    for side in (1.0, -1.0):
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


def _paint_abdomen(canvas: Canvas, chest: Chest, below: torch.Tensor, rng: np.random.Generator) -> None:
    """Liver on the right, stomach and spleen on the left, fat between; `below` is the depth under the diaphragm."""
    x, bottom = canvas.points[0] - float(chest.middle[0]), float(chest.heart_bottom)
    y, z = canvas.points[1] - float(chest.middle[1]), canvas.points[2] - bottom
    under = below > 3.0
    edge = rng.uniform(-70, -15) + 0.35 * y + 0.6 * z + Waves.draw(rng, 3, (50, 110), 7.0)(canvas.points)[0]
    liver = under & (x > edge) & (y > -0.75 * chest.half_depth)
    middle = np.array([*chest.middle, bottom])
    for _ in range(9):
        start = middle + [rng.uniform(20, 60), rng.uniform(-20, 20), rng.uniform(-60, -20)]
        end = start + rng.normal(0, 1, 3) * [35, 35, 25]
        vessel = Cone(start, end, rng.uniform(2, 5), rng.uniform(1, 3))
        window = canvas.window(vessel.bounds)
        inside = vessel.distance(canvas.points[(slice(None), *window)]) < 0
        canvas.fill(Structure.LIVER_VESSEL, inside & liver[window], window)
    canvas.fill(Structure.LIVER, liver)
    stomach = Ellipsoid(
        middle + [-rng.uniform(55, 75), rng.uniform(-15, 15), -rng.uniform(30, 45)], np.eye(3),
        rng.uniform([28, 32, 26], [45, 50, 42]),
    )  # fmt: skip
    spleen = Ellipsoid(
        middle + [-rng.uniform(85, 105), -rng.uniform(35, 60), -rng.uniform(25, 55)], np.eye(3),
        rng.uniform([20, 30, 35], [30, 42, 50]),
    )  # fmt: skip
    level = rng.uniform(-10, 30)
    for shape, structure in ((stomach, Structure.STOMACH), (spleen, Structure.SPLEEN)):
        window = canvas.window(shape.bounds)
        inside = (shape.distance(canvas.points[(slice(None), *window)]) < 0) & under[window]
        if structure == Structure.STOMACH:
            canvas.fill(Structure.STOMACH_GAS, inside & (y[window] > level), window)
        canvas.fill(structure, inside, window)
    canvas.fill(Structure.FAT, under)
    canvas.fill(Structure.MUSCLE, below > 0)


def paint_thorax(canvas: Canvas, heart: Heart) -> None:
    """Paint the chest round a mediastinum that has been painted before."""
    p, chest = heart.patient, Chest(heart)
    rng = random_stream(p.seed, Stream.THORAX)
    points = canvas.points
    _paint_spine(canvas, heart, rng)
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
    _paint_abdomen(canvas, chest, below, rng)
    _paint_chest_wall(canvas, chest, p.chest_muscle, p.chest_fat, cage, rng)
    _paint_lung_vessels(canvas, heart, rng)
    canvas.fill(Structure.LUNG, inside)


def _paint_chest_wall(
    canvas: Canvas, chest: Chest, muscle: float, fat: float, cage: torch.Tensor, rng: np.random.Generator
) -> None:
    """From the pleura outwards: fat, intercostal muscle, outer muscle streaked with fat (thicker behind), fat, skin."""
    ribs = 8.5  # mm from the inner surface of the cage to the outer one
    wall = (cage > -2.5) & (canvas.structures == 0)
    outer = ribs + muscle * (1.0 + 0.5 * (canvas.points[1] < float(chest.middle[1])))
    strands = Waves.draw(rng, 6, (15, 60), 1.0)(canvas.points)[0]
    canvas.fill(Structure.FAT, wall & (cage < 0))
    canvas.fill(Structure.MUSCLE, wall & (cage < 0.5 * (ribs + outer)))
    canvas.fill(Structure.MUSCLE, wall & (cage < outer) & (strands > -0.5))
    canvas.fill(Structure.FAT, wall & (cage < outer + fat))
    canvas.fill(Structure.SKIN, wall & (cage < outer + fat + 2.0))
