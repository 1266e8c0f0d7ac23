import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from custom.frames import centred_affine
from custom.synthesis.patient import draw_patient, paint
from custom.synthesis.scanner import noise_like, random_field, scan, smooth
from custom.synthesis.structures import Structure, chamber_labels
from custom.synthesis.tissue import draw_tissues
from custom.synthesis.transforms import PaintPatientd, RandScand

SHAPE, SPACING = (64, 64, 64), (2.5, 2.5, 2.5)


@pytest.fixture(scope="module")
def structures():
    return paint(draw_patient(3), centred_affine(SHAPE, SPACING), SHAPE)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_tissues_stay_in_their_ranges():
    rng = np.random.default_rng(0)
    drawn = [draw_tissues(rng).mean for _ in range(300)]
    left = np.array([m[Structure.LV_BLOOD] for m in drawn])
    right = np.array([m[Structure.RV_BLOOD] for m in drawn])
    assert left.min() >= 140 and left.max() <= 600
    assert right.min() >= 30 and right.max() <= 900
    assert 0.05 < (left < 200).mean() < 0.2
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.5  # the sides are drawn apart
    for structure, low, high in (
        (Structure.MYOCARDIUM, 50, 165), (Structure.FAT, -125, -50), (Structure.LUNG, -930, -700),
        (Structure.CORTICAL_BONE, 350, 1500), (Structure.LIVER, 40, 170),
    ):  # fmt: skip
        values = np.array([m[structure] for m in drawn])
        assert values.min() >= low and values.max() <= high


def test_scan_is_deterministic_and_varies(structures):
    first, again, other = (scan(structures, SPACING, seeded(s)) for s in (1, 1, 2))
    assert first.dtype == torch.float32 and first.shape == SHAPE
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.isfinite(first).all() and first.min() >= -1024 and first.max() <= 3071


def test_tissues_look_like_tissues(structures):
    for seed in range(6):
        image = scan(structures, SPACING, seeded(seed))

        def median(structure: Structure, image: torch.Tensor = image) -> float:
            return float(image[structures == structure].median())

        assert median(Structure.LV_BLOOD) > median(Structure.MYOCARDIUM) + 15
        assert 20 < median(Structure.MYOCARDIUM) < 220
        assert -160 < median(Structure.FAT) < 0
        assert median(Structure.LUNG) < -600
        assert 0 < median(Structure.LIVER) < 200


@pytest.mark.parametrize("sigma", [(0.5, 0.8, 1.5), (0.0, 1.0, 0.0)])
def test_smooth_keeps_constants_and_widens_an_impulse(sigma):
    torch.testing.assert_close(smooth(torch.full((9, 10, 11), 7.0), sigma), torch.full((9, 10, 11), 7.0))
    impulse = torch.zeros(21, 21, 21)
    impulse[10, 10, 10] = 1.0
    result = smooth(impulse, sigma)
    assert float(result.sum()) == pytest.approx(1.0, abs=1e-5)
    for axis, s in enumerate(sigma):
        profile = result.sum(dim=[k for k in range(3) if k != axis])
        variance = float((profile * (torch.arange(21) - 10.0) ** 2).sum())
        assert variance == pytest.approx(s**2, abs=0.2 * s**2 + 1e-6)


def test_noise_has_unit_variance():
    for sigma in ((0.0, 0.0, 0.0), (0.6, 1.2, 0.4)):
        assert float(noise_like(torch.zeros(48, 48, 48), sigma, seeded(0)).std()) == pytest.approx(1.0, abs=0.05)
    assert float(random_field((60, 60, 60), (1, 1, 1), 6.0, seeded(0)).std()) == pytest.approx(1.0, abs=0.15)


def test_transforms_make_image_and_label():
    make = Compose([PaintPatientd("seed", (48, 48, 48), (3.5, 3.5, 3.5)), RandScand()])
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
