"""Painting what decides the two labels: aorta, left ventricle, left atrium, myocardium, pulmonary veins."""

from __future__ import annotations

import numpy as np
import torch

from .canvas import Canvas, Window
from .devices import paint_prosthetic_valves
from .heart import EQUATOR, FAT_REACH, Heart
from .shapes import Cone, Shape, Waves, along
from .streams import stream
from .structures import Structure


def _papillary_muscles(heart: Heart, rng: np.random.Generator) -> list[Shape]:
    """Two groups, anterolateral and posteromedial, each of one to three heads, with their chordae left out."""
    muscles: list[Shape] = []
    for side in (35.0, -35.0):
        for _ in range(rng.integers(1, 4)):
            # in the short axis the muscles stand on the free wall, 35 degrees to either side of its middle
            angle = 180.0 - side + rng.normal(0, 12)
            direction = heart.on_endocardium(angle, EQUATOR) - heart.on_endocardium(angle + 180, EQUATOR)
            middle = heart.base + rng.uniform(0.28, 0.50) * heart.lv_length * heart.axis
            foot = heart.on_endocardium(angle, rng.uniform(0.55, 0.80))
            head = middle + 0.5 * direction * rng.uniform(0.35, 0.70)
            radius = min(heart.patient.papillary_radius * rng.uniform(0.6, 1.1), 0.2 * heart.lv_radius)
            muscles.append(Cone(foot, head, radius, 0.65 * radius))
    return muscles


def paint_left_chambers(canvas: Canvas, heart: Heart) -> None:
    """Paint aorta, left ventricle, left atrium and myocardium: what decides the two labels."""
    p = heart.patient
    paint_prosthetic_valves(canvas, heart)
    _paint_aorta(canvas, heart)
    distance, window = _paint_ventricle(canvas, heart)
    canvas.fill(Structure.VESSEL_WALL, canvas.sleeve < p.vessel_wall)

    body = heart.atrial_body
    canvas.paint(Structure.LA_BLOOD, body, FAT_REACH)
    canvas.surround(distance, window, 4.0)  # the outflow tract has no muscle of its own
    canvas.paint(Structure.MYOCARDIUM, heart.myocardium, FAT_REACH)
    canvas.paint(Structure.LA_APPENDAGE, heart.appendage, FAT_REACH)
    for vein in heart.pulmonary_veins:
        window = canvas.window(vein.bounds)
        points = canvas.points[(slice(None), *window)]
        inside = vein.distance(points) < 0
        stump = body.distance(points) < p.vein_stump
        canvas.fill(Structure.LA_VEIN_STUMP, inside & stump, window)
        canvas.paint(Structure.PULMONARY_VEIN, vein, 3.0)


def _paint_aorta(canvas: Canvas, heart: Heart) -> None:
    """Cusps, root and arch; how much of it is the ascending aorta, `end_aorta` says."""
    p, valve, arteries = heart.patient, heart.arteries.aortic_valve, heart.arteries
    window = canvas.window(valve.bounds)
    points = canvas.points[(slice(None), *window)]
    sheet = valve.leaflets(points) & (arteries.aortic_root.distance(points) < 0)
    rng = stream(p.seed, "calcified cusps")
    specks = Waves.draw(rng, 8, (5.0, 12.0), 1.0)(points)[0] > 1.6 - 1.4 * p.leaflet_calcium
    canvas.fill(Structure.CALCIUM, sheet & specks & (p.leaflet_calcium > 0), window)
    canvas.fill(Structure.AORTIC_LEAFLETS, sheet, window)
    canvas.paint(Structure.AORTIC_ROOT, arteries.aortic_root, 6.0)
    canvas.paint(Structure.AORTIC_ARCH, arteries.aorta, 6.0)


def _paint_ventricle(canvas: Canvas, heart: Heart) -> tuple[torch.Tensor, Window]:
    """The left ventricle's cavity with what lies in it; returns the distance from its surface, and in which window."""
    p, cavity = heart.patient, heart.left_ventricle
    window = canvas.window(cavity.bounds, 4.0)
    points = canvas.points[(slice(None), *window)]
    rng = stream(p.seed, "endocardium")
    below = heart.mitral.local(points)[2]  # the boundary to the atrium stays smooth
    roughness = Waves.draw(rng, 10, (9.0, 22.0), 0.5)(points)[0] * (below * (1 / 4)).clamp(0, 1)
    distance = cavity.distance(points) + roughness
    inside = distance < 0
    for muscle in _papillary_muscles(heart, stream(p.seed, "papillary muscles")):
        canvas.fill(Structure.PAPILLARY_MUSCLE, inside & canvas.within(muscle, window), window)
    leaflets, funnel = heart.mitral_leaflets.regions(points)
    canvas.fill(Structure.MITRAL_LEAFLETS, inside & leaflets, window)
    canvas.fill(Structure.MITRAL_FUNNEL, inside & funnel, window)
    # trabeculae: a ragged inner layer, deeper towards the apex, still inside the label
    height = along(points, heart.axis, heart.base) / heart.lv_length
    depth = p.trabeculae * (0.3 + 1.4 * (height - 0.2).clamp(0, 0.8))
    ragged = Waves.draw(rng, 12, (4.0, 9.0), 1.0)(points)[0]
    meshwork = inside & (distance > -depth) & (ragged > p.trabecular_density) & (height > 0.15)
    canvas.fill(Structure.LV_TRABECULAE, meshwork, window)
    canvas.fill(Structure.LV_BLOOD, inside, window)
    return distance, window
