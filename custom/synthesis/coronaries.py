"""Coronary arteries and the coronary sinus on the surface of the heart."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .heart import Heart
from .population import Device
from .shapes import settle, tube, unit
from .structures import Structure


def coronary_sinus(heart: Heart) -> list[np.ndarray]:
    """Course of the coronary sinus, points (3,): from the left side round the back into the right atrium."""
    outer = heart.lv_radius + heart.patient.wall
    course = [heart.around(a, -0.06, outer) for a in (150, 190, 230, 270)]
    course = settle(course, heart.myocardium, 0.8 * heart.patient.sinus_radius + 1.0)
    return [*course, 0.6 * course[-1] + 0.4 * heart.right.atrial_centre]


def paint_coronaries(canvas: Canvas, heart: Heart, rng: np.random.Generator) -> None:
    """Anterior descending, circumflex and right coronary artery, and the coronary sinus, on the heart's surface."""
    p, r = heart.patient, heart.patient.coronary_radius
    outer, gap = heart.lv_radius + p.wall, r + 0.5

    root, n = heart.arteries.aortic_valve, heart.aortic_normal
    right_cusp, *others = root.cusps
    left_cusp = max(others, key=lambda cusp: float(cusp @ [-1.0, 0.4, 0.0]))
    reach = p.sinuses * root.radius
    left_main, ostium = (heart.aortic + 0.95 * root.radius * n + reach * cusp for cusp in (left_cusp, right_cusp))
    on_wall = heart.myocardium
    descending = settle([heart.around(62, h, outer + 3) for h in (0.02, 0.3, 0.6, 0.9)], on_wall, gap)
    circumflex = settle([heart.around(a, -0.02, outer) for a in (95, 130, 170, 205)], on_wall, gap + 1)
    # the right one runs in the groove, from the front round the right side to the back of the tricuspid annulus
    valve = heart.right.tricuspid
    outwards = unit(heart.septal - valve.normal * float(heart.septal @ valve.normal))
    around = np.cross(valve.normal, outwards)
    turn = 1.0 if around @ heart.anterior > 0 else -1.0
    right = [
        valve.centre + (valve.radius + 5) * (np.cos(a) * outwards + turn * np.sin(a) * around)
        for a in np.radians([80, 35, -15, -65])
    ]
    for body in (heart.right.ventricle, heart.right.atrium):
        right = settle(right, body, gap + 1, only_outwards=True)
    courses = [
        tube([left_main, *descending], [1.3 * r, 1.1 * r, r, 0.8 * r, 0.6 * r]),
        tube([left_main, *circumflex], [1.3 * r, r, 0.9 * r, 0.8 * r, 0.6 * r]),
        tube([ostium, *right], [1.1 * r, 1.1 * r, r, 0.9 * r, 0.8 * r]),
    ]
    for course in courses:
        for part in course.parts:
            if Device.STENTS in p.devices and rng.uniform() < 0.12:
                canvas.paint(Structure.CORONARY_ARTERY, tube([part.start, part.end], [0.5 * r, 0.5 * r], 1))
                canvas.paint(Structure.METAL, tube([part.start, part.end], [r + 0.3, r + 0.3], 1))
            if rng.uniform() < 0.25 * p.calcification:
                spot = part.start + rng.normal(0, 0.5 * r, 3)
                canvas.paint(Structure.CALCIUM, tube([spot, part.end], [rng.uniform(0.7, 1.4), 0.8], 1))
        canvas.paint(Structure.CORONARY_ARTERY, course, 6.0)
    sinus, width = coronary_sinus(heart), p.sinus_radius + (2.0 if p.left_cava else 0.0)
    canvas.paint(Structure.CORONARY_SINUS, tube(sinus, [0.5 * width, 0.7 * width, 0.85 * width, width, width]), 8.0)
    if p.left_cava:  # it runs down between appendage and veins into the coronary sinus
        left = heart.la[0] - heart.la_semi[0]
        course = [[left, heart.la[1], heart.roof + h] for h in (110.0, 30.0)] + [[left - 8, *heart.la[1:]], sinus[0]]
        canvas.paint(Structure.SUPERIOR_VENA_CAVA, tube(course, [5.0, 5.0, 5.0, 5.0]), 4.0)
