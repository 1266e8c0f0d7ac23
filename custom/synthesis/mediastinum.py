"""What lies around the left chambers: right heart, great vessels, coronaries, oesophagus, airways, fat."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .heart import FAT_REACH, Heart
from .population import Stream, random_stream
from .shapes import Shape, Waves, settle, tube
from .structures import Structure


def _paint_coronaries(canvas: Canvas, heart: Heart, rng: np.random.Generator) -> None:
    """Anterior descending, circumflex and right coronary artery, and the coronary sinus, on the heart's surface."""
    p, r = heart.patient, heart.patient.coronary_radius
    outer, length = heart.lv_radius + p.wall, heart.lv_length
    gap = r + 0.5

    def ring(angle: float, height: float, radius: float) -> np.ndarray:
        """A point around the left ventricle: angle in degrees from the septum towards the anterior wall."""
        a = np.radians(angle)
        direction = np.cos(a) * heart.septal + np.sin(a) * heart.anterior
        return heart.base + height * length * heart.axis + radius * direction

    left_main = (
        heart.aortic
        + 12 * heart.aortic_normal
        + 1.3 * heart.aortic_radius * (0.6 * heart.anterior - 0.5 * heart.septal)
    )
    on_wall = heart.myocardium
    descending = settle([ring(62, h, outer + 3) for h in (0.02, 0.3, 0.6, 0.9)], on_wall, gap)
    circumflex = settle([ring(a, -0.02, outer) for a in (95, 130, 170, 205)], on_wall, gap + 1)
    sinus = settle([ring(a, -0.06, outer) for a in (150, 190, 230, 270)], on_wall, 0.8 * p.sinus_radius + 1.0)
    sinus.append(0.6 * sinus[-1] + 0.4 * heart.atrial_centre)
    valve, normal = heart.tricuspid
    side = np.cross(normal, heart.anterior)
    right = [
        valve + 24 * p.ra_size * (np.cos(a) * heart.anterior - np.sin(a) * side) for a in np.radians([70, 20, -30, -80])
    ]
    right = settle(right, heart.right_ventricle, gap + 2, only_outwards=True)
    ostium = heart.aortic + 12 * heart.aortic_normal + 1.25 * heart.aortic_radius * heart.septal
    courses = [
        tube([left_main, *descending], [1.3 * r, 1.1 * r, r, 0.8 * r, 0.6 * r]),
        tube([left_main, *circumflex], [1.3 * r, r, 0.9 * r, 0.8 * r, 0.6 * r]),
        tube([ostium, *right], [1.1 * r, 1.1 * r, r, 0.9 * r, 0.8 * r]),
    ]
    for course in courses:
        for part in course.parts:
            if rng.uniform() < 0.25 * p.calcification:
                spot = part.start + rng.normal(0, 0.5 * r, 3)
                canvas.paint(Structure.CALCIUM, tube([spot, part.end], [rng.uniform(0.7, 1.4), 0.8], 1))
        canvas.paint(Structure.CORONARY_ARTERY, course, 6.0)
    width = p.sinus_radius + (2.0 if p.left_cava else 0.0)
    canvas.paint(Structure.CORONARY_SINUS, tube(sinus, [0.5 * width, 0.7 * width, 0.85 * width, width, width]), 8.0)
    if p.left_cava:  # it runs down between appendage and veins into the coronary sinus
        left = heart.la[0] - heart.la_semi[0]
        course = [[left, heart.la[1], heart.roof + h] for h in (110.0, 30.0)] + [[left - 8, *heart.la[1:]], sinus[0]]
        canvas.paint(Structure.SUPERIOR_VENA_CAVA, tube(course, [5.0, 5.0, 5.0, 5.0]), 4.0)


def _paint_chamber(canvas: Canvas, shape: Shape, blood: Structure, trabeculae: Structure, depth: float, ragged: Waves):
    """A right chamber with a trabeculated inner layer `depth` mm deep."""
    window = canvas.window(shape.bounds, FAT_REACH)
    points = canvas.points[(slice(None), *window)]
    distance = shape.distance(points)
    inside = distance < 0
    canvas.fill(trabeculae, inside & (distance > -depth) & (ragged(points)[0] > 0.4), window)
    canvas.fill(blood, inside, window)
    canvas.surround(distance, window, FAT_REACH)


def paint_mediastinum(canvas: Canvas, heart: Heart) -> None:
    """Paint everything between the lungs except the left chambers, which must have been painted before."""
    p = heart.patient
    rng = random_stream(p.seed, Stream.MEDIASTINUM)
    _paint_coronaries(canvas, heart, rng)
    # a wall round everything so far keeps right and left blood apart
    canvas.fill(Structure.VESSEL_WALL, canvas.sleeve < max(1.8, p.vessel_wall))
    canvas.paint(Structure.PULMONARY_ARTERY, heart.pulmonary_artery, 4.0)
    ragged = Waves.draw(rng, 12, (5.0, 12.0), 1.0)
    _paint_chamber(
        canvas, heart.right_ventricle, Structure.RV_BLOOD, Structure.RV_TRABECULAE, rng.uniform(3, 9), ragged
    )
    _paint_chamber(canvas, heart.right_atrium, Structure.RA_BLOOD, Structure.RV_TRABECULAE, rng.uniform(0, 3), ragged)
    canvas.paint(Structure.SUPERIOR_VENA_CAVA, heart.superior_cava, 4.0)
    canvas.paint(Structure.INFERIOR_VENA_CAVA, heart.inferior_cava, 3.0)
    window = canvas.window(heart.right_ventricle.bounds, 4.0)
    rv_wall = heart.right_ventricle.distance(canvas.points[(slice(None), *window)]) < rng.uniform(2, 4.5)
    canvas.fill(Structure.RV_WALL, rv_wall, window)
    canvas.paint(Structure.AORTA, heart.descending_aorta, 3.0)
    canvas.fill(Structure.VESSEL_WALL, canvas.sleeve < p.vessel_wall)
    _paint_gullet_and_airways(canvas, heart, rng)

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
        np.array([spine[0] - 4, front + 8, heart.roof + 120]),
        np.array([spine[0] - 4, front + 8, heart.roof + 30]),
        np.array([x, front + 0.6 * p.spine_gap + 0.6 * r, la[2]]),
        np.array([x - 8, front + 12, la[2] - 45]),
        np.array([x - 24, front + 26, la[2] - 85]),
    ]
    if heart.hernia:
        level = heart.hernia.centre[1] + rng.uniform(-0.5, 0.8) * p.hernia
        window = canvas.window(heart.hernia.bounds)
        points = canvas.points[(slice(None), *window)]
        inside = heart.hernia.distance(points) + Waves.draw(rng, 5, (20, 50), 2.0)(points)[0]
        canvas.fill(Structure.STOMACH_GAS, (inside < -3.0) & (points[1] > level), window)
        canvas.fill(Structure.STOMACH, inside < 0, window)
    if p.oesophagus_gas > 0.5:
        gas = [g + [0.0, 0.3 * r, 0.0] for g in gullet[: 2 + rng.integers(0, 2)]]
        canvas.paint(Structure.AIRWAY, tube(gas, [0.35 * r] * len(gas)))
    canvas.paint(Structure.OESOPHAGUS, tube(gullet, [0.8 * r, 0.8 * r, r, r, 1.1 * r]), 3.0)

    carina = np.array([spine[0] + 3, front + 18, heart.roof + rng.uniform(16, 28)])
    width = rng.uniform(7.5, 10)
    for tree in (
        tube([carina + [0, 6, 110], carina + [0, 3, 50], carina], [width, width, width]),
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
