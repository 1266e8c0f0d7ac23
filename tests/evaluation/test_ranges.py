"""Great vessels are scored as far as MM-WHS goes, on upright and on turned grids."""

import numpy as np
import pytest
import trimesh
from shapes import OBLIQUE

from custom.chambers import LABELS
from custom.evaluation.measures import measure_chamber
from custom.evaluation.ranges import MARGIN, scored_range
from custom.frames import voxel_to_ras
from custom.mesh import Mesh

SHAPE = (60, 60, 60)
MIDDLE = voxel_to_ras((np.array(SHAPE) - 1) / 2, OBLIQUE)


@pytest.fixture(params=[(0, 1, 2), (2, 0, 1)])
def grid(request):
    """Points (D0, D1, D2, 3) of a grid, mm from its middle, and its affine; its axes in two orders."""
    order = list(request.param)
    affine = OBLIQUE.copy()
    affine[:3, :3] = affine[:3, :3][:, order]
    index = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)
    affine[:3, 3] = MIDDLE - affine[:3, :3] @ ((np.array(SHAPE) - 1) / 2)
    return voxel_to_ras(index, affine) - MIDDLE, affine


def tube(points, start, end, radius):
    """Which points lie in a cylinder with flat ends."""
    start, end = np.array(start), np.array(end)
    axis = (end - start) / np.linalg.norm(end - start)
    along = (points - start) @ axis
    aside = np.linalg.norm(points - start - along[..., None] * axis, axis=-1)
    return (aside < radius) & (along >= 0) & (along <= np.linalg.norm(end - start))


def pipe(name, start, end, radius):
    mesh = trimesh.creation.cylinder(radius, segment=np.array([start, end]) + MIDDLE, sections=64)
    mesh = mesh.subdivide_to_size(2.0)
    return Mesh(name, np.asarray(mesh.vertices), np.asarray(mesh.faces))


@pytest.mark.parametrize("beyond", [0, 8])
def test_an_aorta_is_scored_to_the_upper_level_of_the_atria(grid, beyond):
    """However far the label and the surface go on; what is missing below it costs."""
    points, affine = grid
    classes = np.zeros(SHAPE, dtype=np.uint8)
    classes[tube(points, (-15, 0, -10), (-15, 0, 5), 8)] = LABELS["RA"]
    classes[tube(points, (5, 0, -20), (5, 0, 5 + beyond), 9)] = LABELS["AO"]
    truth = classes == LABELS["AO"]
    scored = scored_range("AO", classes, affine)
    assert abs(scored.end[2] - MIDDLE[2] - 5) < 1.5 and scored.away.tolist() == [0, 0, 1]
    inside = scored.holds(points + MIDDLE)
    clear = np.abs((points + MIDDLE - scored.end) @ scored.away) > 1e-6  # of the plane, where rounding decides
    np.testing.assert_array_equal(scored.mask(SHAPE, affine)[clear], inside[clear])
    assert scored.holds(points + MIDDLE, MARGIN).sum() < inside.sum()

    def measured(start, end, within=scored):
        return measure_chamber(pipe("AO", (5, 0, start), (5, 0, end), 9), truth, affine, within)

    for end in (5, 20):
        found = measured(-20, end)
        assert found["dice"] > 0.95 and found["assd_mm"] < 0.5 and abs(found["volume_error_percent"]) < 8
    assert measured(-20, 20, None)["dice"] < 0.92
    short = measured(-20, -5)
    assert short["dice"] < 0.78 and short["assd_mm"] > 0.9 and short["volume_error_percent"] < -30
    nowhere = measured(12, 24)
    assert nowhere["dice"] == 0 and nowhere["assd_mm"] > 8


@pytest.mark.parametrize("branches", [True, False])
def test_a_pulmonary_artery_is_scored_to_its_bifurcation(grid, branches):
    points, affine = grid
    classes = np.zeros(SHAPE, dtype=np.uint8)
    classes[tube(points, (0, 25, -5), (0, 18, -5), 12)] = LABELS["RV"]
    trunk = tube(points, (0, 18, -5), (0, -8, -5), 7)
    if branches:
        trunk |= tube(points, (0, -4, -5), (24, -16, -5), 6) | tube(points, (0, -4, -5), (-24, -16, -5), 6)
    classes[trunk] = LABELS["PA"]
    scored = scored_range("PA", classes, affine)
    assert scored.away @ [0, -1, 0] > 0.95
    assert -14 < (scored.end - MIDDLE)[1] < -4
    right = measure_chamber(pipe("PA", (0, 18, -5), (0, -8, -5), 7), trunk, affine, scored)
    assert right["dice"] > (0.8 if branches else 0.93)
    everywhere = measure_chamber(pipe("PA", (0, 18, -5), (0, -8, -5), 7), trunk, affine)
    assert everywhere["dice"] < 0.75 or not branches


def test_a_ventricle_round_the_root_is_no_bifurcation(grid):
    """Voxels equally far from it are above and below then."""
    points, affine = grid
    classes = np.zeros(SHAPE, dtype=np.uint8)
    classes[tube(points, (0, 14, -5), (0, 10, -5), 18)] = LABELS["RV"]
    classes[tube(points, (0, 24, -5), (0, -18, -5), 13)] = LABELS["PA"]
    assert (scored_range("PA", classes, affine).end - MIDDLE)[1] < -12


def test_without_what_tells_the_end_all_is_scored(grid):
    points, affine = grid
    classes = np.zeros(SHAPE, dtype=np.uint8)
    for name in ("AO", "PA", "LV"):
        classes[tube(points, (0, 0, -10), (0, 0, 10), 8)] = LABELS[name]
        assert scored_range(name, classes, affine) is None
