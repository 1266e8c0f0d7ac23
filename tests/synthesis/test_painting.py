from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from custom.frames import centred_affine
from custom.synthesis.painting import draw_patient, paint
from custom.synthesis.structures import Structure, chamber_labels

SHAPE, SPACING = (60, 60, 60), (3.0, 3.0, 3.0)
SEEDS = range(100, 112)


@pytest.fixture(scope="module")
def population():
    patients = [replace(draw_patient(seed), turn=0.0, nod=0.0, lean=0.0, mirrored=False) for seed in SEEDS]
    return [(p, paint(p, centred_affine(SHAPE, SPACING), SHAPE)) for p in patients]


def volumes_ml(structures: torch.Tensor, voxel_mm3: float) -> tuple[float, float]:
    counts = torch.bincount(chamber_labels(structures).flatten(), minlength=3)
    return float(counts[1]) * voxel_mm3 / 1e3, float(counts[2]) * voxel_mm3 / 1e3


def test_same_seed_same_patient_other_seed_another():
    affine = centred_affine((40, 40, 40), (4.0, 4.0, 4.0))
    patients = [draw_patient(seed) for seed in (7, 7, 8)]
    first, again, other = (paint(patient, affine, (40, 40, 40)) for patient in patients)
    assert patients[0] == patients[1]
    assert first.dtype == torch.uint8 and first.shape == (40, 40, 40)
    assert torch.equal(first, again)
    assert (first != other).float().mean() > 0.05


def test_painted_volumes_are_the_drawn_ones(population):
    for patient, structures in population:
        la, lv = volumes_ml(structures, 27.0)
        assert la == pytest.approx(patient.la_volume, rel=0.10)
        assert lv == pytest.approx(patient.lv_volume, rel=0.10)
        assert 25 < la < 350 and 40 < lv < 340


def test_chambers_are_single_pieces_that_touch(population):
    for _, structures in population:
        labels = chamber_labels(structures).numpy()
        assert ndimage.label(labels == 1)[1] == 1 and ndimage.label(labels == 2)[1] == 1
        contact = (ndimage.binary_dilation(labels == 1) & (labels == 2)).sum()
        assert contact * 9.0 > 150.0  # mm2: at least a small mitral valve


def test_anatomy_is_where_it_belongs(population):
    def centre(structures: torch.Tensor, *kinds: Structure) -> np.ndarray:
        mask = torch.isin(structures, torch.tensor([int(k) for k in kinds], dtype=torch.uint8))
        assert mask.any()
        return mask.nonzero().double().mean(0).numpy() * 3.0

    for _, structures in population:
        la, lv = centre(structures, Structure.LA_BLOOD), centre(structures, Structure.LV_BLOOD)
        ra, rv = centre(structures, Structure.RA_BLOOD), centre(structures, Structure.RV_BLOOD)
        spine, gullet = centre(structures, Structure.MARROW), centre(structures, Structure.OESOPHAGUS)
        appendage = centre(structures, Structure.LA_APPENDAGE)
        assert la[1] < lv[1] - 10 and la[0] > lv[0] + 5 and la[2] > lv[2] - 5  # behind, right of, above the ventricle
        assert ra[0] > max(la[0], rv[0] + 10) and ra[1] > la[1]
        assert rv[1] > lv[1] and rv[0] > lv[0]
        assert gullet[1] < la[1] and spine[1] < la[1] + 30
        assert appendage[0] < la[0] and appendage[1] > la[1] - 8
        if (structures == int(Structure.LIVER)).any():  # below the grid where the heart stands upright
            liver = centre(structures, Structure.LIVER)
            assert liver[0] > lv[0] and liver[2] < la[2]


def test_blood_of_the_two_sides_never_touches(population):
    left = torch.tensor([Structure.LA_BLOOD, Structure.LA_APPENDAGE, Structure.LV_BLOOD], dtype=torch.uint8)
    right = torch.tensor([Structure.RA_BLOOD, Structure.RV_BLOOD], dtype=torch.uint8)
    patient = population[0][0]
    structures = paint(patient, centred_affine((110, 110, 110), (1.3, 1.3, 1.3)), (110, 110, 110))
    a, b = torch.isin(structures, left).numpy(), torch.isin(structures, right).numpy()
    assert a.any() and b.any()
    assert (ndimage.binary_dilation(a) & b).sum() < 20  # a wall of 1.5 mm against voxels of 1.3 mm


def test_volumes_do_not_depend_on_the_grid():
    patient = draw_patient(42)
    angle = np.radians(25)
    turn = np.eye(4)
    turn[:3, :3] = [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    tilt = np.eye(4)
    tilt[:3, :3] = [[1, 0, 0], [0, np.cos(0.4), -np.sin(0.4)], [0, np.sin(0.4), np.cos(0.4)]]
    upright = centred_affine((76, 76, 76), (2.4, 2.4, 2.4))
    fine = centred_affine((90, 90, 70), (2.0, 2.0, 2.6))
    reference = volumes_ml(paint(patient, upright, (76, 76, 76)), 2.4**3)
    turned = volumes_ml(paint(patient, turn @ tilt @ upright, (76, 76, 76)), 2.4**3)
    other = volumes_ml(paint(patient, fine, (90, 90, 70)), 2.0 * 2.0 * 2.6)
    assert turned == pytest.approx(reference, rel=0.03)
    assert other == pytest.approx(reference, rel=0.03)
