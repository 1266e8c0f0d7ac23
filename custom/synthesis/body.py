"""The outside: shoulders, arms, neck, breasts, the wall of chest and abdomen with its skin, and the couch."""

from __future__ import annotations

import numpy as np
import torch

from .canvas import Canvas
from .chest import RIBS, Chest
from .heart import Heart
from .population import Arms
from .shapes import Cone, Ellipsoid, Shape, Waves, along, smooth_min, tube
from .streams import stream
from .structures import Structure


def _paint_bone(canvas: Canvas, shape: Shape, shell: float) -> None:
    """A bone with a cortex `shell` mm thick round its marrow."""
    window = canvas.window(shape.bounds)
    if any(s.start == s.stop for s in window):
        return
    distance = shape.distance(canvas.points[(slice(None), *window)])
    canvas.fill(Structure.CORTICAL_BONE, (distance < 0) & (distance > -shell), window)
    canvas.fill(Structure.MARROW, distance < 0, window)


class Body:
    """Limbs as round cones: (shape, thickness of the fat under the skin)."""

    def __init__(self, heart: Heart, chest: Chest, rng: np.random.Generator) -> None:
        p = heart.patient
        x, y, top = chest.middle[0], chest.middle[1] + chest.recession(chest.top - 60) + 20, chest.top
        fat = 0.5 * p.chest_fat + 2
        girth = 36 + 0.6 * fat + rng.uniform(0, 10)
        reach = 0.80 * chest.half_width + rng.uniform(45, 62)
        spine = float(chest.spine_forward(torch.tensor(top - float(chest.spine[2])))) + chest.spine[1]
        neck = np.array([chest.spine[0], spine + 8.0, top])
        self.bones: list[tuple[Shape, float]] = []
        self.limbs: list[tuple[Shape, float]] = [(Cone(neck - [0, 0, 40], neck + [0, 14, 110], 68.0, 58.0), fat)]
        for side in (1.0, -1.0):
            head = np.array([x + side * reach, y - 15 + rng.normal(0, 6), top - rng.uniform(25, 55)])
            hand = {
                Arms.UP: np.array([x + side * rng.uniform(110, 200), y + rng.uniform(-20, 30), top + 260]),
                Arms.DOWN: np.array([x + side * (reach + rng.uniform(55, 80)), y + rng.uniform(-30, 10), top - 330]),
            }[p.arms]
            self.limbs.append((Cone(neck - [0, 0, 45], head, 62.0, 45.0 + 0.5 * fat), fat))
            self.limbs.append((Cone(head, hand, girth + 4, 0.75 * girth), fat))
            shaft = tube([head, 0.9 * head + 0.1 * hand, hand], [23.0, 12.0, 11.0], 2)
            self.bones += [(part, 3.0) for part in shaft.parts]
            inner = np.array([x + side * 20, chest.front + chest.recession(top - 45) + 2, top - rng.uniform(40, 55)])
            self.limbs.append((Cone(inner, head, 20.0 + fat, 34.0 + fat), fat))
            elbow = inner + [side * 65, -8 + rng.normal(0, 5), 14]
            collar = tube([inner, elbow, head + [-side * 18, 12, 16]], [8.0, 6.0, 7.0], 3)
            self.bones += [(part, 2.0) for part in collar.parts]
        self.breasts: list[Ellipsoid] = []
        if p.breast:
            for side in (1.0, -1.0):
                place = np.array([side * rng.uniform(60, 85), 0.0, rng.uniform(-30, 10)])
                size = p.breast * np.array([62.0, 30.0, 62.0])
                place[:2] += [x, chest.front - 0.16 * chest.half_depth + chest.wall - 6]
                self.breasts.append(Ellipsoid(place, np.eye(3), size))


def paint_body(canvas: Canvas, heart: Heart, chest: Chest, cage: torch.Tensor) -> None:
    """Paint everything from the pleura outwards that is not rib or sternum.

    Args:
        canvas: what is painted on.
        heart, chest: what the parts are placed by.
        cage: (D0, D1, D2) distance from the inner surface of the cage, mm.
    """
    p, rng = heart.patient, stream(heart.patient.seed, "body")
    body, points = Body(heart, chest, rng), canvas.points
    for shape, shell in body.bones:
        _paint_bone(canvas, shape, shell)
    _paint_scapulae(canvas, chest, cage, rng)
    _paint_neck(canvas, chest, rng)

    flesh = cage - RIBS - p.chest_muscle * (1.0 + 0.5 * (points[1] < float(chest.middle[1])))
    skin = flesh - p.chest_fat
    for shape, fat in body.limbs:
        window = canvas.window(shape.bounds, 20.0)
        if any(s.start == s.stop for s in window):
            continue
        distance = shape.distance(points[(slice(None), *window)])
        flesh[window] = torch.minimum(flesh[window], distance + fat)
        skin[window] = smooth_min(skin[window], distance, 20.0)
    for breast in body.breasts:
        window = canvas.window(breast.bounds, 20.0)
        distance = breast.distance(points[(slice(None), *window)])
        skin[window] = smooth_min(skin[window], distance, 20.0)
        lobes = Waves.draw(rng, 6, (12, 40), 1.0)(points[(slice(None), *window)])[0]
        gland = (distance < -10) & (lobes > 0) & (flesh[window] > 0)
        canvas.fill(Structure.BREAST, gland, window)

    outside = (canvas.structures == 0) & (cage > -2.5)
    strands = Waves.draw(rng, 6, (15, 60), 1.0)(points)[0]
    canvas.fill(Structure.FAT, outside & (cage < 0))
    canvas.fill(Structure.MUSCLE, outside & (cage < RIBS + 0.5 * p.chest_muscle))
    canvas.fill(Structure.MUSCLE, outside & (flesh < 0) & (strands > -0.6))
    canvas.fill(Structure.FAT, outside & (skin < 0))
    canvas.fill(Structure.SKIN, outside & (skin < 2.0))
    _paint_table(canvas, heart, chest, stream(p.seed, "couch"))


def _paint_scapulae(canvas: Canvas, chest: Chest, cage: torch.Tensor, rng: np.random.Generator) -> None:
    """Two triangular blades on the back of the ribs."""
    points = canvas.points
    low, high = chest.top - rng.uniform(170, 200), chest.top - 30
    if float(points[2].max()) < low:
        return
    x = (points[0] - float(chest.middle[0])).abs()
    rise = ((points[2] - low) / (high - low)).clamp(0, 1)
    blade = (cage - RIBS - 6).abs() < 3.5
    blade &= (points[2] > low) & (points[2] < high) & (points[1] < float(chest.middle[1]) - 0.1 * chest.half_depth)
    blade &= (x > 62 - 8 * rise) & (x < 95 + 45 * rise)
    canvas.fill(Structure.MARROW, blade & ((cage - RIBS - 6).abs() < 1.2))
    canvas.fill(Structure.CORTICAL_BONE, blade)


def _paint_neck(canvas: Canvas, chest: Chest, rng: np.random.Generator) -> None:
    """Thyroid, carotid arteries and jugular veins."""
    x, y = chest.spine[0], chest.spine[1] + float(chest.spine_forward(torch.tensor(chest.top - float(chest.spine[2]))))
    for side in (1.0, -1.0):
        gland = np.array([x + side * 17, y + 42, chest.top + rng.uniform(10, 30)])
        canvas.paint(Structure.THYROID, Ellipsoid(gland, np.eye(3), np.array([9.0, 11.0, rng.uniform(18, 28)])))
        for structure, away, radius in ((Structure.AORTA, 26, 3.8), (Structure.SUPERIOR_VENA_CAVA, 36, 6.0)):
            path = [[x + side * away, y + 30 + 0.2 * z, chest.top + z] for z in (-15, 50, 130)]
            canvas.paint(structure, tube(path, [radius] * 3, 2))


def _paint_table(canvas: Canvas, heart: Heart, chest: Chest, rng: np.random.Generator) -> None:
    """Two thin shells of the couch under the patient, hollowed to the sides."""
    points, up = canvas.points, heart.patient.up
    middle, wall = np.array([*chest.middle, 0.0]), chest.wall + rng.uniform(4, 25)
    reach = {1.0: chest.half_depth + 0.5 * heart.patient.chest_muscle, 0.0: chest.half_width + 35.0}[abs(up[1])]
    height = along(points, up, middle) + reach + wall
    aside = along(points, np.cross(up, [0.0, 0.0, 1.0]), middle) - rng.uniform(-25, 25)
    hollow = aside * aside * float(rng.uniform(0.0, 1 / 1400))
    near = (aside.abs() < float(rng.uniform(190, 240))) & (height < 60)
    for depth in (0.0, float(rng.uniform(25, 70))):
        shell = (height + depth - hollow).abs() < max(1.5, 0.5 * float(canvas.spacing[1]))
        canvas.fill(Structure.TABLE, near & shell)
