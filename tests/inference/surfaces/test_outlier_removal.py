"""Outliers are drawn back into their surface, unless that would take it through another."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from stand_in import Ellipsoids

from custom.geometry.intersections import mutual_intersections
from custom.inference.surfaces.outliers import OutlierRemoval, pulled_back_mm
from custom.inference.surfaces.refinement import Seen, Surfaces

SIZE, SPACING = 40, 2.6


@pytest.fixture
def found() -> tuple[Surfaces, Seen]:
    """The stand-in's surfaces; the first vertex of the atrium is far out."""
    network = Ellipsoids()
    with torch.no_grad():
        stages, logits = network.stages_and_segmentation(torch.zeros(1, 1, SIZE, SIZE, SIZE))
    vertices = stages[-1].clone()
    vertices[0, 0, 0] *= 2.5
    return Surfaces(vertices, network.faces), Seen(logits, SIZE // logits.shape[2], SPACING)


def _with_a_small_ventricle(surfaces: Surfaces, centre: torch.Tensor) -> Surfaces:
    """The surfaces, a tenth of the ventricle round a point in the ventricle's place."""
    vertices = surfaces.vertices.clone()
    vertices[0, 1] = centre + 0.1 * (vertices[0, 1] - vertices[0, 1].mean(0))
    return surfaces._replace(vertices=vertices)


def test_a_spike_is_drawn_back_and_the_rest_keeps_every_bit(found):
    surfaces, seen = found
    kept = OutlierRemoval(8.0)(surfaces, seen)
    moved = pulled_back_mm(surfaces.vertices, kept.vertices, seen)[0]
    assert moved[0].max() > 10 and moved[0].argmax() == 0 and 1 <= (moved[0] > 0).sum() < 100
    assert torch.equal(kept.vertices[0, 1], surfaces.vertices[0, 1])
    still = moved[0] == 0
    assert torch.equal(kept.vertices[0, 0][still], surfaces.vertices[0, 0][still])


def test_an_outlier_that_would_be_drawn_through_the_other_chamber_stays(found):
    surfaces, seen = found
    back = OutlierRemoval(8.0)(surfaces, seen).vertices[0, 0, 0]
    crowded = _with_a_small_ventricle(surfaces, back)
    assert torch.equal(OutlierRemoval(8.0)(crowded, seen).vertices[0, 0], crowded.vertices[0, 0])


def test_an_outlier_is_drawn_back_though_the_chambers_meet_elsewhere(found):
    surfaces, seen = found
    back = OutlierRemoval(8.0)(surfaces, seen).vertices[0, 0]
    touching = _with_a_small_ventricle(surfaces, back[(back - back[0]).norm(dim=1).argmax()])
    kept = OutlierRemoval(8.0)(touching, seen).vertices[0]
    assert len(mutual_intersections(*_pair(kept, surfaces))) > 0
    torch.testing.assert_close(kept[0], back, atol=1e-6, rtol=0)


def _pair(vertices: torch.Tensor, surfaces: Surfaces) -> tuple[np.ndarray, ...]:
    faces = surfaces.faces.numpy()
    return vertices[0].numpy(), faces, vertices[1].numpy(), faces


def test_of_vertices_that_are_not_finite_nothing_is_made(found):
    surfaces, seen = found
    surfaces.vertices[0, 1, 3, 1] = float("nan")
    assert OutlierRemoval(8.0)(surfaces, seen) is surfaces


def test_where_a_chamber_was_not_seen_nothing_is_an_outlier(found):
    surfaces, seen = found
    blind = seen._replace(logits=seen.logits * torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1, 1) + 1e-3)
    assert torch.equal(OutlierRemoval(8.0)(surfaces, blind).vertices, surfaces.vertices)
