"""Diseases, variants and devices: each drawn on purpose into one patient and looked for in the painted map."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from custom.frames import centred_affine
from custom.synthesis.distributions import DEVICES, draw_parameters
from custom.synthesis.heart import Heart
from custom.synthesis.left_atrium import APPENDAGES
from custom.synthesis.painting import draw_patient, paint
from custom.synthesis.population import Arms, Device, Position
from custom.synthesis.structures import Structure, chamber_labels

GRID = (centred_affine((64, 64, 64), (3.0, 3.0, 3.0)), (64, 64, 64))
CHEST = (centred_affine((70, 120, 50), (6.0, 2.5, 6.0)), (70, 120, 50))


@pytest.fixture(scope="module")
def usual():
    """A patient with nothing special about it."""
    plain = {"devices": frozenset(), "effusion": 0.0, "hernia": 0.0, "aneurysm": 0.0, "scar_thinning": 0.0}
    plain |= {"turn": 0.0, "nod": 0.0, "lean": 0.0, "position": Position.SUPINE}
    return replace(draw_patient(11), mirrored=False, septal_bulge=0.0, leaflet_calcium=0.0, **plain)


def millilitres(structures: torch.Tensor, *kinds: Structure, voxel: float = 27.0) -> float:
    return float(torch.isin(structures, torch.tensor([int(k) for k in kinds], dtype=torch.uint8)).sum()) * voxel / 1e3


def test_a_population_holds_every_disease_and_device_and_its_limits():
    people = [draw_parameters(seed) for seed in range(600)]
    for test in (
        lambda p: p.wall > 14, lambda p: p.septum > p.wall + 6, lambda p: p.apex_wall > 1, lambda p: p.aneurysm > 0,
        lambda p: p.lv_volume > 250, lambda p: p.la_volume > 220, lambda p: p.effusion > 0, lambda p: p.hernia > 0,
        lambda p: p.mirrored, lambda p: p.left_cava, lambda p: p.septal_bulge > 0, lambda p: p.trabeculae > 6,
        lambda p: p.arms == Arms.DOWN, lambda p: p.breast > 0,
    ):  # fmt: skip
        assert 0.001 < np.mean([bool(test(p)) for p in people]) < 0.5
    for device, share in DEVICES.items():
        met = np.mean([device in p.devices for p in people])
        assert abs(met - share) < 0.04 + 0.06 * (device == Device.STERNAL_WIRES), device
    assert all(30 <= p.la_volume <= 340 and 45 <= p.lv_volume <= 330 for p in people)


def test_a_mirrored_patient_is_the_mirror_image(usual):
    straight, mirrored = paint(usual, *GRID), paint(replace(usual, mirrored=True), *GRID)
    assert torch.equal(mirrored, straight.flip(0))


def test_effusion_and_hernia_lie_where_they_belong(usual):
    plain = paint(usual, *GRID)
    assert millilitres(plain, Structure.EFFUSION) == 0
    wet = paint(replace(usual, effusion=12.0), *GRID)
    assert millilitres(wet, Structure.EFFUSION) > 80
    assert torch.equal(chamber_labels(wet), chamber_labels(plain))
    slipped = replace(usual, hernia=28.0)
    stomach = paint(slipped, *GRID)
    contents = torch.tensor([int(Structure.STOMACH), int(Structure.STOMACH_GAS)], dtype=torch.uint8)
    new = torch.isin(stomach, contents) & ~torch.isin(plain, contents)
    place = new.nonzero().double().mean(0) * 3 - 94.5
    assert np.linalg.norm(place.numpy() - Heart(slipped).hernia.centre) < 15


def test_an_aneurysm_enlarges_the_cavity_under_a_thin_wall(usual):
    sick = replace(usual, aneurysm=18.0, scar_thinning=0.6, scar_height=0.8, scar_angle=150.0, scar_radius=20.0)
    healthy, bulging = Heart(usual), Heart(sick)
    outside = bulging.scar.centre + 12.0 * (bulging.scar.centre - bulging.base) / np.linalg.norm(
        bulging.scar.centre - bulging.base
    )
    assert bulging.left_ventricle.distance_at(outside) < 0 < healthy.left_ventricle.distance_at(outside)
    point = torch.as_tensor(bulging.scar.centre).reshape(3, 1)
    thin = replace(sick, aneurysm=0.0)
    wall = Heart(thin).myocardium.distance(point) - healthy.myocardium.distance(point)
    assert float(wall) > 0.3 * usual.wall  # the outer surface has come in by the thinning


def test_a_bulging_septum_narrows_the_outflow_but_never_shuts_it(usual):
    heart = Heart(replace(usual, septal_bulge=8.0))
    under_valve = heart.aortic - 4 * heart.aortic_normal
    assert heart.left_ventricle.distance_at(under_valve) < -3.0
    bulged, plain = paint(heart.patient, *GRID), paint(usual, *GRID)
    assert millilitres(bulged, Structure.MYOCARDIUM) > millilitres(plain, Structure.MYOCARDIUM) + 0.5
    assert ndimage.label(chamber_labels(bulged).numpy() == 2)[1] == 1


@pytest.mark.parametrize(
    ("right", "left", "count"), [(0.5, 0.5, 4), (0.8, 0.5, 5), (0.99, 0.5, 3), (0.5, 0.9, 3), (0.5, 0.99, 5)]
)
def test_veins_join_or_come_in_threes(usual, right, left, count):
    veins = Heart(replace(usual, right_veins=right, left_veins=left)).pulmonary_veins
    assert len(veins) == count
    for vein in veins:
        assert vein.distance_at(vein.parts[0].start) < 0


def test_appendages_differ_in_form_and_keep_off_their_neighbours(usual):
    shares = np.cumsum([0, *[share for share, *_ in APPENDAGES.values()]])
    assert shares[-1] == pytest.approx(1.0)
    forms = [Heart(replace(usual, appendage_form=float(f))) for f in (shares[1:] + shares[:-1]) / 2]
    assert len(forms[3].appendage.parts) > len(forms[2].appendage.parts)  # the cauliflower has most lobes
    for heart in forms:
        tip = heart.appendage.parts[-1].end
        assert heart.myocardium.distance_at(tip) > 0
        assert tip[0] < heart.la[0] and tip[1] > heart.la[1] - 10


@pytest.mark.parametrize("device", list(Device))
def test_every_device_is_metal_and_spares_the_labels(usual, device):
    grid = CHEST if device is Device.ELECTRODES else GRID
    plain, metal = paint(usual, *grid), paint(replace(usual, devices=frozenset({device})), *grid)
    assert not (plain == int(Structure.METAL)).any()
    found = metal == int(Structure.METAL)
    assert found.any()
    changed = chamber_labels(plain) != chamber_labels(metal)
    assert float(changed.sum()) < 0.06 * float((chamber_labels(plain) > 0).sum())
