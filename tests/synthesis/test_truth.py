"""Landmarks, regions and labels against the painted patient."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from custom.frames import apply_affine, centred_affine, voxel_to_ras
from custom.synthesis.painting import draw_patient, paint
from custom.synthesis.structures import LABELLED, MM_WHS, Structure, label_map
from custom.synthesis.truth import REGIONS, Truth

SHAPE, SPACING = (84, 84, 84), (2.2, 2.2, 2.2)
AFFINE = centred_affine(SHAPE, SPACING, (4.0, 8.0, 0.0))


@pytest.fixture(scope="module")
def patient():
    """Turned, bent and mirrored, with a closed mitral valve and without rings."""
    drawn = replace(draw_patient(1), turn=30.0, nod=-12.0, lean=15.0, mirrored=True, devices=frozenset())
    return replace(drawn, leaflet_opening=0.0, tenting=9.0)


@pytest.fixture(scope="module")
def structures(patient):
    return paint(patient, AFFINE, SHAPE)


@pytest.fixture(scope="module")
def landmarks(patient):
    return Truth(patient).landmarks()


def masks(structures: torch.Tensor) -> dict[str, np.ndarray]:
    labels = label_map(structures, MM_WHS)
    assert labels.dtype == torch.int16
    return {name: (labels == value).numpy() for name, value in MM_WHS.items()}


def contact(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Points (n, 3) of where two masks touch, mm."""
    here, there = (
        np.argwhere(ndimage.binary_dilation(first) & second),
        np.argwhere(ndimage.binary_dilation(second) & first),
    )
    assert len(here) > 10
    return voxel_to_ras(np.concatenate([here, there]), AFFINE)


def test_seven_structures_are_there_and_apart(structures):
    found = masks(structures)
    assert set(found) == set(LABELLED)
    for name, mask in found.items():
        assert mask.sum() * np.prod(SPACING) / 1e3 > 8, name
    assert sum(mask.astype(int) for mask in found.values()).max() == 1


@pytest.mark.parametrize(
    ("valve", "first", "second"),
    [("mitral annulus", "LA", "LV"), ("tricuspid annulus", "RA", "RV"), ("aortic annulus", "LV", "AO"),
     ("pulmonary annulus", "RV", "PA")],
)  # fmt: skip
def test_valves_lie_where_the_labels_meet(structures, landmarks, valve, first, second):
    found, plane = masks(structures), landmarks[valve]
    points, normal = contact(found[first], found[second]), np.array(plane["normal"])
    assert np.linalg.norm(points.mean(axis=0) - plane["centre"]) < 5
    assert np.median(np.abs((points - plane["centre"]) @ normal)) < 3.5
    upstream, downstream = (voxel_to_ras(np.argwhere(found[name]), AFFINE).mean(axis=0) for name in (first, second))
    assert (downstream - upstream) @ normal > 0  # along the flow
    ring = np.array(plane["contour"])
    assert np.linalg.norm(normal) == pytest.approx(1, abs=1e-3)
    assert 9 < np.linalg.norm(ring - plane["centre"], axis=1).mean() < 25


def test_apex_ostia_and_tip_lie_on_their_chambers(structures, landmarks):
    found = masks(structures)
    lv, la = (voxel_to_ras(np.argwhere(found[name]), AFFINE) for name in ("LV", "LA"))
    from_valve = np.linalg.norm(lv - landmarks["mitral annulus"]["centre"], axis=1)
    apex = np.array(landmarks["apex"])
    assert np.linalg.norm(lv - apex, axis=1).min() < 4
    assert np.linalg.norm(apex - landmarks["mitral annulus"]["centre"]) > 0.93 * from_valve.max()
    appendage = voxel_to_ras(np.argwhere((structures == int(Structure.LA_APPENDAGE)).numpy()), AFFINE)
    assert np.linalg.norm(appendage - landmarks["appendage tip"], axis=1).min() < 5
    for ostium in (*landmarks["pulmonary vein ostia"], landmarks["appendage ostium"]):
        assert np.linalg.norm(la - ostium["centre"], axis=1).min() < 3


def test_the_bending_is_undone(patient):
    """A point that is brought to the scanner is bent to where the shapes have it."""
    truth, points = Truth(patient), np.array([[0.0, 0, 0], [40, -30, 20], [-50, 25, -30]])
    placed = apply_affine(np.linalg.inv(patient.pose), truth.to_scanner(points))
    bent = placed + truth.bend(torch.from_numpy(placed.T.copy())).numpy().T
    np.testing.assert_allclose(bent, points, atol=1e-3)


def test_regions_part_the_chambers(patient, structures):
    regions = Truth(patient).regions(structures, AFFINE).numpy()
    found = masks(structures)
    assert np.array_equal(regions > 0, found["LA"] | found["LV"])
    for value, name in REGIONS.items():
        assert (regions == value).any(), name
        assert not (regions == value)[~found[name[:2]]].any()
    touching = ndimage.binary_dilation(found["LV"]) & found["LA"]
    assert np.isin(regions[touching], [4]).mean() > 0.95


def test_labels_can_follow_closed_leaflets(structures):
    hinges, leaflets = (label_map(structures, {"LA": 1, "LV": 2}, closed) for closed in (False, True))
    moved = hinges != leaflets
    assert (structures[moved] == int(Structure.MITRAL_FUNNEL)).all()
    assert 0.5 < moved.sum() * np.prod(SPACING) / 1e3 < 8
    assert (leaflets[moved] == 1).all() and (hinges[moved] == 2).all()
    assert ndimage.label((leaflets == 1).numpy())[1] == 1
