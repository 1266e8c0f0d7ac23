"""Coronary arteries and the coronary sinus on the surface of the heart."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .heart import Heart
from .population import Device
from .shapes import settle, tube
from .structures import Structure


def coronary_sinus(heart: Heart) -> list[np.ndarray]:
    """Course of the coronary sinus, points (3,): from the left side round the back into the right atrium."""
    outer = heart.lv_radius + heart.patient.wall
    course = [heart.around(a, -0.06, outer) for a in (150, 190, 230, 270)]
    course = settle(course, heart.myocardium, 0.8 * heart.patient.sinus_radius + 1.0)
    return [*course, 0.6 * course[-1] + 0.4 * heart.atrial_centre]


def paint_coronaries(canvas: Canvas, heart: Heart, rng: np.random.Generator) -> None:
    """Anterior descending, circumflex and right coronary artery, and the coronary sinus, on the heart's surface."""
    p, r = heart.patient, heart.patient.coronary_radius
    outer, gap = heart.lv_radius + p.wall, r + 0.5

    left_main = (
        heart.aortic
        + 12 * heart.aortic_normal
        + 1.3 * heart.aortic_radius * (0.6 * heart.anterior - 0.5 * heart.septal)
    )
    on_wall = heart.myocardium
    descending = settle([heart.around(62, h, outer + 3) for h in (0.02, 0.3, 0.6, 0.9)], on_wall, gap)
    circumflex = settle([heart.around(a, -0.02, outer) for a in (95, 130, 170, 205)], on_wall, gap + 1)
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
