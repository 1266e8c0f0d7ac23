"""What lies around the left chambers: right heart, great vessels, coronaries, oesophagus, airways, fat."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .coronaries import paint_coronaries
from .heart import Heart
from .right_chambers import paint_right_chambers
from .shapes import Union, Waves, along, tube
from .streams import stream
from .structures import Structure


def _arch_branches(heart: Heart) -> list[Union]:
    """Brachiocephalic trunk, left carotid and left subclavian artery, from the arch upwards."""
    x, y, top = heart.spine[0], heart.spine[1] + heart.patient.spine_radius, heart.arteries.arch_height
    first = np.array([0.5 * (heart.aortic[0] + x) + 2, 0.5 * (heart.aortic[1] + y) + 6, top + 16])
    last = np.array([x - 22, y + 10, top + 12])
    ends = [[x + 32, y + 22, top + 75], [x - 22, y + 20, top + 85], [x - 42, y + 4, top + 75]]
    return [
        tube([(1 - f) * first + f * last, 0.5 * ((1 - f) * first + f * last + end) + [0, 3, 0], np.array(end)], r)
        for f, end, r in zip((0.0, 0.45, 0.85), ends, ([7.0, 6, 5], [4.5, 4, 4], [5.5, 5, 4]), strict=True)
    ]


def _arm_veins(heart: Heart) -> list[Union]:
    """Left and right brachiocephalic veins, which join in the superior cava, and the subclavian ones."""
    low, r = heart.right.cavae.course[-1], 0.7 * heart.patient.cava_radius
    across = np.array([heart.spine[0] - 30, low[1] + 8, low[2] + 14])
    left, right = low + [-120, -20, 30], low + [75, -20, 28]
    return [
        tube([low, across, across + [-22, -8, 8], left], [r, 0.9 * r, 0.8 * r, 0.6 * r]),
        tube([low, low + [12, -4, 16], right], [r, 0.9 * r, 0.6 * r]),
    ]


def paint_mediastinum(canvas: Canvas, heart: Heart) -> None:
    """Paint everything between the lungs except the left chambers, which must have been painted before."""
    p = heart.patient
    paint_coronaries(canvas, heart, stream(p.seed, "coronary arteries"))
    # a wall round everything so far keeps right and left blood apart
    canvas.fill(Structure.VESSEL_WALL, canvas.sleeve < max(1.8, p.vessel_wall))
    arteries = heart.arteries
    paint_right_chambers(canvas, heart)
    canvas.paint(Structure.PULMONARY_ARTERY, arteries.pulmonary_branches, 4.0)
    canvas.paint(Structure.SUPERIOR_VENA_CAVA, heart.right.cavae.superior, 4.0)
    for vein in _arm_veins(heart):
        canvas.paint(Structure.SUPERIOR_VENA_CAVA, vein, 3.0)
    for artery in _arch_branches(heart):
        canvas.paint(Structure.AORTA, artery, 3.0)
    canvas.paint(Structure.INFERIOR_VENA_CAVA, heart.right.cavae.inferior, 3.0)
    canvas.paint(Structure.AORTA, arteries.descending_aorta, 3.0)
    canvas.fill(Structure.VESSEL_WALL, canvas.sleeve < p.vessel_wall)
    _paint_gullet_and_airways(canvas, heart, stream(p.seed, "gullet and airways"))
    rng = stream(p.seed, "pericardium")

    # fat of varying thickness, held by the thin pericardium
    thickness = p.fat_thickness * (1 + 0.9 * Waves.draw(rng, 6, (40, 120), 1.0)(canvas.points)[0]).clamp(0.15, 2.0)
    canvas.fill(Structure.EPICARDIAL_FAT, canvas.sleeve < thickness)
    if p.effusion:
        pool = 1 + 0.4 * Waves.draw(rng, 4, (60, 150), 1.0)(canvas.points)[0]
        thickness = thickness + p.effusion * pool.clamp(min=0)
        canvas.fill(Structure.EFFUSION, (canvas.sleeve < thickness) & (canvas.points[2] < heart.roof + 10))
    canvas.fill(Structure.PERICARDIUM, canvas.sleeve < thickness + rng.uniform(0.5, 1.5))
    _fill_gaps(canvas, heart, rng.uniform(14, 24))


def _paint_gullet_and_airways(canvas: Canvas, heart: Heart, rng: np.random.Generator) -> None:
    p, spine, la = heart.patient, heart.spine, heart.la
    r = p.oesophagus_radius
    front = spine[1] + p.spine_radius
    x = spine[0] + rng.uniform(-10, 4)
    gullet = [
        np.array([spine[0] - 4, front + 24, heart.roof + 140]),
        np.array([spine[0] - 4, front + 8, heart.roof + 30]),
        np.array([x, front + 0.6 * p.spine_gap + 0.6 * r, la[2]]),
        np.array([x - 8, front + 12, la[2] - 45]),
        np.array([x - 24, front + 26, la[2] - 85]),
    ]
    if heart.hernia:
        level = heart.hernia.centre + rng.uniform(-0.5, 0.8) * p.hernia * p.up
        window = canvas.window(heart.hernia.bounds)
        points = canvas.points[(slice(None), *window)]
        inside = heart.hernia.distance(points) + Waves.draw(rng, 5, (20, 50), 2.0)(points)[0]
        canvas.fill(Structure.STOMACH_GAS, (inside < -3.0) & (along(points, p.up, level) > 0), window)
        canvas.fill(Structure.STOMACH, inside < 0, window)
    if p.oesophagus_gas > 0.5:
        gas = [g + [0.0, 0.3 * r, 0.0] for g in gullet[: 2 + rng.integers(0, 2)]]
        canvas.paint(Structure.AIRWAY, tube(gas, [0.35 * r] * len(gas)))
    canvas.paint(Structure.OESOPHAGUS, tube(gullet, [0.8 * r, 0.8 * r, r, r, 1.1 * r]), 3.0)

    carina = np.array([spine[0] + 3, front + 18, heart.roof + rng.uniform(16, 28)])
    width = rng.uniform(7.5, 10)
    for tree in (
        tube([carina + [0, 26, 170], carina + [0, 8, 60], carina], [width, width, width]),
        tube([carina, carina + [22, -6, -16], carina + [44, -14, -34]], [0.8 * width, 0.7 * width, 0.4 * width], 2),
        tube([carina, carina + [-26, -6, -14], carina + [-48, -16, -36]], [0.7 * width, 0.6 * width, 0.35 * width], 2),
    ):
        for part in tree.parts:
            canvas.paint(Structure.AIRWAY, part, 2.0)
    canvas.fill(Structure.VESSEL_WALL, canvas.sleeve < 0.8)


def _fill_gaps(canvas: Canvas, heart: Heart, width: float) -> None:
    """Fat wherever heart, vessels, airways and spine leave gaps too narrow for the lungs."""
    x, y = (canvas.points[k] - float(heart.spine[k]) for k in (0, 1))
    radius = heart.patient.spine_radius
    spine = (x * x + y * y < (radius + 4) ** 2) | ((x.abs() < radius + 8) & (y < 0))
    canvas.fill(Structure.FAT, canvas.closing((canvas.structures > 0) | spine, width) & ~spine)
