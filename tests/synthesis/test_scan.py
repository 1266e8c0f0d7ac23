from dataclasses import replace

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from custom.frames import centred_affine
from custom.synthesis.acquisition import Protocol
from custom.synthesis.painting import draw_patient, paint
from custom.synthesis.scanner import AIR, scan, slice_operators
from custom.synthesis.structures import Structure, chamber_labels
from custom.synthesis.tissue import Contrast, draw_tissues
from custom.synthesis.transforms import PaintPatientd, RandScand

SHAPE, SPACING = (64, 64, 64), (2.5, 2.5, 2.5)
GASES = (Structure.AIR, Structure.STOMACH_GAS, Structure.BOWEL_GAS)
PLAIN = Protocol(
    {"arterial": 1}, noise=(3, 10), slice_thickness=(1, 1), sharp=0, motion=0, step=0, contrast_streaks=0, shading=0,
    starvation=0, cut=0, circle=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def structures():
    return paint(draw_patient(3), centred_affine(SHAPE, SPACING), SHAPE)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def acquisition(protocol: Protocol = PLAIN, seed: int = 0, **changes):
    return replace(protocol.draw(np.random.default_rng(seed)), **changes)


def tables(contrast: Contrast, count: int = 300) -> dict[Structure, np.ndarray]:
    rng = np.random.default_rng(0)
    drawn = np.stack([draw_tissues(rng, contrast).mean for _ in range(count)])
    return {structure: drawn[:, structure] for structure in Structure}


@pytest.mark.parametrize("contrast", Contrast)
def test_tissues_stay_in_their_ranges(contrast):
    hu = tables(contrast)
    low, high = {"arterial": (150, 700), "flushed": (150, 700), "dense_right": (100, 600), "venous": (90, 220),
                 "none": (28, 58)}[contrast]  # fmt: skip
    assert hu[Structure.LV_BLOOD].min() >= low and hu[Structure.LV_BLOOD].max() <= high
    assert hu[Structure.LA_BLOOD].min() >= 0.85 * low
    for structure, low, high in (
        (Structure.RV_BLOOD, 20, 1200), (Structure.MYOCARDIUM, 23, 220), (Structure.FAT, -125, -50),
        (Structure.LUNG, -930, -700), (Structure.CORTICAL_BONE, 350, 1500), (Structure.LIVER, 40, 170),
    ):  # fmt: skip
        assert hu[structure].min() >= low and hu[structure].max() <= high
    for structure, values in hu.items():
        assert np.isfinite(values).all() and len(np.unique(values)) > 10 or structure in GASES


def test_phases_differ_as_they_should():
    hu = {contrast: tables(contrast) for contrast in Contrast}

    def ratio(contrast: Contrast, first: Structure, second: Structure) -> np.ndarray:
        return hu[contrast][first] / hu[contrast][second]

    left, right, muscle = Structure.LV_BLOOD, Structure.RV_BLOOD, Structure.MYOCARDIUM
    arterial = hu[Contrast.ARTERIAL]
    assert ratio(Contrast.FLUSHED, right, left).max() < 1
    assert np.median(ratio(Contrast.DENSE_RIGHT, right, left)) > 1.5
    assert np.abs(ratio(Contrast.VENOUS, right, left) - 1).max() <= 0.1 + 1e-6
    assert ratio(Contrast.VENOUS, muscle, left).min() >= 0.5 and ratio(Contrast.ARTERIAL, muscle, left).max() <= 0.75
    assert np.abs(hu[Contrast.NONE][muscle] - hu[Contrast.NONE][left]).max() <= 18
    assert np.quantile(arterial[left], 0.95) > 550


def test_scan_is_deterministic_and_varies(structures):
    drawn = acquisition(Protocol(), 1)
    first, again, other = (scan(structures, SPACING, drawn, seeded(s)) for s in (1, 1, 2))
    assert first.image.dtype == torch.float32 and first.image.shape == first.labels.shape == SHAPE
    assert torch.equal(first.image, again.image) and torch.equal(first.labels, again.labels)
    assert not torch.equal(first.image, other.image)


@pytest.mark.parametrize("seed", range(6))
def test_any_scan_is_finite_and_in_range(structures, seed):
    everything = Protocol(sharp=1, motion=1, step=1, contrast_streaks=1, shading=1, starvation=1, cut=1, circle=1)
    metal = structures.clone()
    metal[30:33, 30:33, 20:50] = int(Structure.METAL)
    image, labels, _ = scan(metal, SPACING, acquisition(everything, seed), seeded(seed))
    assert torch.isfinite(image).all() and image.min() >= -1024 and image.max() <= 3071
    assert labels.dtype == torch.uint8 and set(labels.unique().tolist()) <= {0, 1, 2}


def test_tissues_look_like_tissues(structures):
    for seed in range(6):
        image = scan(structures, SPACING, acquisition(seed=seed), seeded(seed)).image

        def median(structure: Structure, image: torch.Tensor = image) -> float:
            return float(image[structures == structure].median())

        assert median(Structure.LV_BLOOD) > median(Structure.MYOCARDIUM) + 15
        assert 20 < median(Structure.MYOCARDIUM) < 220
        assert -160 < median(Structure.FAT) < 0
        assert median(Structure.LUNG) < -600
        assert 0 < median(Structure.LIVER) < 200


@pytest.mark.parametrize("thickness", [0.6, 5.0])
def test_slices_have_the_noise_that_is_asked_for(thickness):
    muscle = torch.full((64, 64, 64), int(Structure.VESSEL_WALL), dtype=torch.uint8)  # a tissue without texture
    drawn = acquisition(noise=20.0, slice_thickness=thickness, slice_increment=thickness, first_slice=0.0, shading=0.0)
    image = scan(muscle, (1.3, 1.3, 1.3), drawn, seeded(0)).image
    step = max(1, round(thickness / 1.3))
    assert float(image[:, :, 0].std()) == pytest.approx(20.0 * (1.0 if step == 1 else 1.3), rel=0.35)
    assert float(image[:, :, 8:-8].std()) == pytest.approx(20.0 * (1.0 if step == 1 else 0.8), rel=0.15)


def test_image_and_labels_end_together(structures):
    cut = 0
    for seed in range(8):
        image, labels, _ = scan(structures, SPACING, acquisition(seed=seed, cut=True, circle=True), seeded(seed))
        outside = image == AIR
        assert not labels[outside].any()
        assert torch.equal(labels[~outside], chamber_labels(structures)[~outside])
        cut += int(outside.any())
    assert cut == 8


def test_steps_move_image_and_labels_alike(structures):
    still = scan(structures, SPACING, acquisition(noise=1.0), seeded(4))
    moved = scan(structures, SPACING, acquisition(noise=1.0, step=12.0), seeded(4))
    assert not torch.equal(moved.labels, still.labels)
    inside = moved.labels == 2
    assert float(moved.image[inside].median()) == pytest.approx(float(still.image[still.labels == 2].median()), abs=10)


@pytest.mark.parametrize("thickness, increment, first", [(0.5, 0.4, 0.2), (3.0, 3.0, 1.1), (5.0, 2.5, 2.0)])
def test_slice_operators(thickness, increment, first):
    averaging, interpolation = slice_operators(60, 1.3, thickness, increment, first)
    np.testing.assert_allclose(averaging.sum(axis=1), 1)
    np.testing.assert_allclose(interpolation.sum(axis=1), 1)
    ramp = np.arange(60) * 1.3
    inner = slice(6, -6)
    np.testing.assert_allclose((interpolation @ averaging @ ramp)[inner], ramp[inner], atol=0.4)
    impulse = np.zeros(60)
    impulse[30] = 1.0
    spread = interpolation @ averaging @ impulse
    assert spread.sum() == pytest.approx(1.0, abs=0.25)
    width = np.sqrt((spread * (ramp - ramp[30]) ** 2).sum() / spread.sum())
    expected = max(thickness, 1.4 * 1.3) / np.sqrt(12)
    assert 0.8 * expected - 0.2 < width < expected + increment


def test_slices_on_the_voxels_stay_themselves():
    averaging, interpolation = slice_operators(15, 1.0, 3.0, 3.0, 1.0)
    at_slices = (interpolation @ averaging)[1::3]
    np.testing.assert_allclose(at_slices, np.kron(np.eye(5), np.full((1, 3), 1 / 3)), atol=1e-12)


def test_transforms_make_image_and_label():
    make = Compose([PaintPatientd("seed", (48, 48, 48), (3.5, 3.5, 3.5)), RandScand(protocol=PLAIN)])
    make.set_random_state(11)
    first, second = make({"seed": 4}), make({"seed": 4})
    assert set(first) == {"seed", "image", "label"}
    for key, dtype in (("image", torch.float32), ("label", torch.uint8)):
        assert isinstance(first[key], MetaTensor) and first[key].dtype == dtype and first[key].shape == (1, 48, 48, 48)
        np.testing.assert_allclose(first[key].affine.numpy(), centred_affine((48, 48, 48), (3.5, 3.5, 3.5)))
    assert torch.equal(first["label"].as_tensor(), second["label"].as_tensor())
    assert not torch.equal(first["image"].as_tensor(), second["image"].as_tensor())
    make.set_random_state(11)
    assert torch.equal(make({"seed": 4})["image"].as_tensor(), first["image"].as_tensor())
    painted = PaintPatientd("seed", (48, 48, 48), (3.5, 3.5, 3.5))({"seed": 4})["structures"]
    assert torch.equal(chamber_labels(painted.as_tensor()), first["label"].as_tensor())


def test_patients_caught_at_a_moment_of_their_beat_have_smaller_ventricles():
    def ventricle(moments: float, seed: int) -> int:
        painted = PaintPatientd("seed", (40, 40, 40), (4.0, 4.0, 4.0), moments)({"seed": seed})["structures"]
        return int((chamber_labels(painted.as_tensor()) == 2).sum())

    whole, caught = (np.array([ventricle(moments, seed) for seed in range(6)]) for moments in (0.0, 1.0))
    assert (caught <= whole * 1.02).all() and (caught < 0.8 * whole).sum() >= 2
    assert ventricle(1.0, 2) == caught[2]
