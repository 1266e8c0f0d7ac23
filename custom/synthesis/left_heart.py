"""Painting what decides the two labels: aorta, left ventricle, left atrium, myocardium, pulmonary veins."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .devices import paint_prosthetic_valves
from .heart import EQUATOR, FAT_REACH, Heart
from .population import Stream, random_stream
from .shapes import Cone, Shape, Waves, along
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


def _mitral_funnel(heart: Heart) -> Cone:
    """The leaflets lie on this cone's side, from the annulus into the ventricle; open or nearly closed."""
    p, start = heart.patient, 0.95 * heart.mitral_radius
    tip = heart.mitral + p.leaflet_length * 1.2 * heart.mitral_normal
    return Cone(heart.mitral - 2 * heart.mitral_normal, tip, start, p.leaflet_opening * start)


def _aortic_cusps(heart: Heart) -> Cone:
    """The aortic leaflets lie on this cone's side, from the annulus upwards; open or closed."""
    r, n = 0.98 * heart.aortic_radius, heart.aortic_normal
    return Cone(heart.aortic - n, heart.aortic + 0.9 * r * n, r, max(1.0, heart.patient.aortic_opening * r))


def paint_left_chambers(canvas: Canvas, heart: Heart) -> None:
    """Paint aorta, left ventricle, left atrium and myocardium: what decides the two labels."""
    p = heart.patient
    rng = random_stream(p.seed, Stream.LEFT_HEART)
    paint_prosthetic_valves(canvas, heart)
    cusps = _aortic_cusps(heart)
    window = canvas.window(cusps.bounds, 1.0)
    points = canvas.points[(slice(None), *window)]
    sheet = (cusps.distance(points).abs() < 0.5 * p.leaflet_thickness) & (heart.ascending_aorta.distance(points) < 0)
    sheet &= along(points, heart.aortic_normal, heart.aortic) < 0.9 * heart.aortic_radius
    specks = Waves.draw(rng, 8, (5.0, 12.0), 1.0)(points)[0] > 1.6 - 1.4 * p.leaflet_calcium
    canvas.fill(Structure.CALCIUM, sheet & specks & (p.leaflet_calcium > 0), window)
    canvas.fill(Structure.AORTIC_LEAFLETS, sheet, window)
    canvas.paint(Structure.AORTA, heart.ascending_aorta, 6.0)

    cavity = heart.left_ventricle
    window = canvas.window(cavity.bounds, FAT_REACH)
    points = canvas.points[(slice(None), *window)]
    roughness = Waves.draw(rng, 10, (9.0, 22.0), 0.5)
    distance = cavity.distance(points) + roughness(points)[0]
    # trabeculae: a ragged inner layer, deeper towards the apex, still inside the label
    height = along(points, heart.axis, heart.base) / heart.lv_length
    depth = p.trabeculae * (0.3 + 1.4 * (height - 0.2).clamp(0, 0.8))
    ragged = Waves.draw(rng, 12, (4.0, 9.0), 1.0)(points)[0]
    inside = distance < 0
    for muscle in _papillary_muscles(heart, rng):
        canvas.fill(Structure.PAPILLARY_MUSCLE, inside & (muscle.distance(points) < 0), window)
    leaflets = _mitral_funnel(heart).distance(points).abs() < 0.5 * p.leaflet_thickness
    leaflets &= along(points, heart.mitral_normal, heart.mitral) < p.leaflet_length
    canvas.fill(Structure.MITRAL_LEAFLETS, inside & leaflets, window)
    meshwork = inside & (distance > -depth) & (ragged > p.trabecular_density) & (height > 0.15)
    canvas.fill(Structure.LV_TRABECULAE, meshwork, window)
    canvas.fill(Structure.LV_BLOOD, inside, window)
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
