"""Painting the right heart and the pulmonary trunk: blood as it comes in, muscle, valves, and leads that lie within."""

from __future__ import annotations

import torch

from .canvas import Canvas, Window
from .heart import FAT_REACH, Heart
from .shapes import Shape, Waves
from .streams import stream
from .structures import Structure

ATRIAL_WALL = 1.6  # mm


def paint_right_chambers(canvas: Canvas, heart: Heart) -> None:
    """Paint right ventricle, right atrium and pulmonary trunk, after the left chambers and the leads."""
    seed, right = heart.patient.seed, heart.right
    ragged = Waves.draw(stream(seed, "right trabeculae"), 12, (5.0, 14.0), 1.0)
    inflow = stream(seed, "right inflow")
    swirls = Waves.draw(inflow, 6, (14.0, 40.0), 3.0), Waves.draw(inflow, 10, (4.0, 10.0), 2.5)
    _paint_pulmonary_trunk(canvas, heart)

    window, distance, inside = _chamber(canvas, right.ventricle, Structure.LEAD_IN_RV)
    points = canvas.points[(slice(None), *window)]
    canvas.fill(Structure.RV_PAPILLARY_MUSCLE, inside & canvas.within(right.moderator_band, window), window)
    canvas.fill(Structure.TRICUSPID_LEAFLETS, inside & right.leaflets.regions(points)[0], window)
    rough = inside & (distance > -heart.patient.right_trabeculae) & (ragged(points)[0] > 0.6)
    canvas.fill(Structure.RV_TRABECULAE, rough, window)
    jet, plume = right.jets
    canvas.fill(Structure.RV_JET, inside & canvas.within(jet, window, swirls), window)
    canvas.fill(Structure.RV_BLOOD, inside, window)
    wall = distance < float(stream(seed, "right ventricular wall").uniform(2.0, 4.5))

    window_of_ra, distance, inside = _chamber(canvas, right.atrium, Structure.LEAD_IN_RA)
    points = canvas.points[(slice(None), *window_of_ra)]
    canvas.fill(Structure.RA_TRABECULAE, inside & canvas.within(right.crista, window_of_ra), window_of_ra)
    rough = inside & (distance > -0.4 * heart.patient.right_trabeculae) & (ragged(points)[0] > 0.7)
    rough &= points[1] > float(right.atrial_centre[1])  # its front is rough, its back smooth
    canvas.fill(Structure.RA_TRABECULAE, rough, window_of_ra)
    canvas.fill(Structure.RA_CAVAL_JET, inside & canvas.within(jet, window_of_ra, swirls), window_of_ra)
    canvas.fill(Structure.RA_CAVAL_PLUME, inside & canvas.within(plume, window_of_ra, swirls), window_of_ra)
    canvas.fill(Structure.RA_BLOOD, inside, window_of_ra)
    _paint_appendage(canvas, heart, ragged)
    canvas.fill(Structure.RA_WALL, distance < ATRIAL_WALL, window_of_ra)
    canvas.fill(Structure.RV_WALL, wall, window)


def _chamber(canvas: Canvas, shape: Shape, lead: Structure) -> tuple[Window, torch.Tensor, torch.Tensor]:
    """Window, distance and inside of a chamber; its distance is recorded for the fat round it, its leads become its
    own."""
    window = canvas.window(shape.bounds, FAT_REACH)
    distance = shape.distance(canvas.points[(slice(None), *window)])
    inside, target = distance < 0, canvas.structures[window]
    target.masked_fill_(inside & (target == int(Structure.METAL)), int(lead))
    canvas.surround(distance, window, FAT_REACH)
    return window, distance, inside


def _paint_appendage(canvas: Canvas, heart: Heart, ragged: Waves) -> None:
    """With pectinate muscles."""
    shape = heart.right.appendage
    window = canvas.window(shape.bounds, FAT_REACH)
    points = canvas.points[(slice(None), *window)]
    distance = shape.distance(points)
    inside = distance < 0
    canvas.fill(Structure.RA_TRABECULAE, inside & (distance > -3.0) & (ragged(points)[0] > 0.8), window)
    canvas.fill(Structure.RA_APPENDAGE, inside, window)
    canvas.surround(distance, window, 0.5 * FAT_REACH)


def _paint_pulmonary_trunk(canvas: Canvas, heart: Heart) -> None:
    valve, trunk = heart.arteries.pulmonary_valve, heart.arteries.pulmonary_trunk
    window = canvas.window(valve.bounds)
    if any(s.start == s.stop for s in window):
        return
    points = canvas.points[(slice(None), *window)]
    sheet = valve.leaflets(points) & (trunk.distance(points) < 0)
    canvas.fill(Structure.PULMONARY_LEAFLETS, sheet, window)
    canvas.paint(Structure.PULMONARY_TRUNK, trunk, 4.0)
