"""What surgeons and cardiologists leave behind: leads, prosthetic valves, stents, wires; and electrodes on the skin."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .chest import Chest
from .coronaries import coronary_sinus
from .heart import Heart
from .population import Device
from .shapes import Ellipsoid, Union, Waves, along, settle, tube, unit
from .streams import stream
from .structures import Structure


def ring(centre: np.ndarray, normal: np.ndarray, radius: float, thickness: float, pieces: int = 14) -> Union:
    """A ring of wire: centre and normal (3,), radius of the ring and of the wire in mm."""
    first = unit(np.cross(normal, [0.3, 0.9, 0.2]))
    second = np.cross(unit(normal), first)
    angles = np.linspace(0, 2 * np.pi, pieces + 1)
    path = [centre + radius * (np.cos(a) * first + np.sin(a) * second) for a in angles]
    return tube(path, [thickness] * len(path), 1)


def paint_prosthetic_valves(canvas: Canvas, heart: Heart) -> None:
    """Rings in the mitral and aortic annulus, and the tubular frame of a valve put in by catheter.

    To be painted before the left chambers; metal inside a chamber's outline is not part of its label.
    """
    p, rng = heart.patient, stream(heart.patient.seed, "prosthetic valves")
    thickness = rng.uniform(0.9, 1.6)
    if Device.MITRAL_RING in p.devices:
        contour = heart.mitral.contour(16)
        canvas.paint(Structure.METAL, tube([*contour, contour[0]], [thickness] * 17, 1))
    centre, normal, radius = heart.aortic, heart.aortic_normal, heart.aortic_radius
    if Device.AORTIC_RING in p.devices:
        canvas.paint(Structure.METAL, ring(centre, normal, radius, thickness))
    if Device.AORTIC_FRAME in p.devices:
        low, high = -rng.uniform(2, 6), rng.uniform(12, 22)
        reach = np.full(3, radius + high)
        window = canvas.window((centre - reach, centre + reach))
        points = canvas.points[(slice(None), *window)]
        height = along(points, normal, centre)
        squared = sum((points[k] - float(centre[k])) ** 2 for k in range(3)) - height * height
        shell = (squared.clamp(min=0).sqrt() - 0.95 * radius).abs() < 0.8
        struts = Waves.draw(rng, 6, (6.0, 10.0), 1.0)(points)[0] > -0.3
        canvas.fill(Structure.METAL, shell & struts & (height > low) & (height < high), window)


def paint_leads(canvas: Canvas, heart: Heart, chest: Chest) -> None:
    """Leads from a box under the left collarbone through the superior cava to atrium, ventricle and coronary sinus, and
    a catheter that ends in the cava. To be painted before the right heart, after the left one."""
    p, rng = heart.patient, stream(heart.patient.seed, "leads")
    cava = heart.right.cavae.course
    if Device.CENTRAL_LINE in p.devices:
        canvas.paint(Structure.METAL, tube([*cava[:0:-1], 0.4 * cava[0] + 0.6 * cava[1]], [0.9] * 3))
    if Device.PACEMAKER not in p.devices and Device.DEFIBRILLATOR not in p.devices:
        return
    height = heart.roof + rng.uniform(60, 90)
    depth = chest.middle[1] + 0.7 * chest.half_depth + chest.recession(height) + 12.0
    box = np.array([chest.middle[0] - rng.uniform(70, 95), depth, height])
    canvas.paint(Structure.METAL, Ellipsoid(box, np.eye(3), np.array([24.0, 5.0, 20.0])))
    inlet = [box, 0.5 * (box + cava[2]) + [0, 0, 12.0], cava[2] + rng.normal(0, 2, 3), cava[1] + rng.normal(0, 2, 3)]
    ra, valve, body = heart.right.atrial_centre, heart.right.tricuspid.centre, heart.right.wedge
    offset = np.array([rng.uniform(-0.1, 0.3), rng.uniform(-0.3, 0)]) * body.semi
    apex = body.middle(0.8) + body.axes[:, :2] @ offset
    to_ventricle = [ra + rng.normal(0, 5, 3), valve, 0.5 * (valve + apex), apex]
    to_ventricle[1:] = settle(to_ventricle[1:], heart.myocardium, 3.0, only_outwards=True)
    courses = [[*inlet, *to_ventricle]]
    if rng.uniform() < 0.7:
        courses.append([*inlet, ra + rng.normal(0, 4, 3), ra + [-4.0, 14.0, 22.0]])
    if rng.uniform() < 0.35:
        sinus = coronary_sinus(heart)
        courses.append([*inlet, ra + rng.normal(0, 4, 3), *sinus[:0:-1]])
    thickness = rng.uniform(0.9, 1.3)
    for course in courses:
        canvas.paint(Structure.METAL, tube(course, [thickness] * len(course)))
    if Device.DEFIBRILLATOR in p.devices:  # the shock coil is thicker than the lead
        canvas.paint(Structure.METAL, tube(to_ventricle[2:], [1.8, 1.8]))


def paint_wires(canvas: Canvas, heart: Heart, chest: Chest) -> None:
    """Wires round the sternum, clips along its left side, and electrodes on the skin; before the chest is painted."""
    p, rng = heart.patient, stream(heart.patient.seed, "wires")
    middle = np.array([chest.middle[0], chest.front + 5.0, chest.heart_bottom])
    if Device.STERNAL_WIRES in p.devices:
        heights = np.arange(10.0, 170.0, rng.uniform(20, 30))
        for height in heights:
            centre = middle + [rng.normal(0, 2), chest.recession(middle[2] + height), height]
            canvas.paint(Structure.METAL, ring(centre, unit(rng.normal(0, 0.15, 3) + [0, 0, 1]), 11.0, 0.8, 8))
        for _ in range(int(rng.integers(0, 12))):
            height = rng.uniform(20, 150)
            clip = middle + [-rng.uniform(10, 22), chest.recession(middle[2] + height) - rng.uniform(10, 16), height]
            canvas.paint(Structure.METAL, tube([clip, clip + rng.normal(0, 2, 3)], [0.8, 0.8], 1))
    if Device.ELECTRODES in p.devices:
        skin = chest.front + chest.wall + 1.0
        for _ in range(int(rng.integers(2, 5))):
            x = rng.uniform(-0.6, 0.6)
            drop = (1 - abs(x) ** 2.3) ** (1 / 2.3) - 1
            place = np.array([chest.middle[0] + x * (chest.half_width + chest.wall), 0.0, rng.uniform(-80, 110)])
            place[1] = skin + drop * (chest.half_depth + chest.wall) + chest.recession(place[2])
            canvas.paint(Structure.METAL, Ellipsoid(place, np.eye(3), np.array([5.0, 1.5, 5.0])))
