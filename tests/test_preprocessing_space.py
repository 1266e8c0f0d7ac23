"""Where things are after preprocessing: the config's own crop of volumes that hold their coordinates."""

from __future__ import annotations

import itertools
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor

from custom.frames import normalised_to_ras, ras_to_voxel, voxel_to_normalised, voxel_to_ras
from custom.inference import CropAroundd

CONFIG = Path(__file__).parents[1] / "bundle" / "configs" / "inference.json"
ORDERS = list(itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)))
SIZE = 64
"""Of the crops, whose voxels are twice as long as those of 128: they cover the same."""
# Voxels along the patient's axes: all padded; padded and cropped; all cropped.
SHAPES = {"padded": (40, 52, 33), "mixed": (130, 40, 90), "cropped": (130, 125, 140)}


def _crop(image: MetaTensor, centre: np.ndarray | None = None, size: int = SIZE) -> MetaTensor:
    """The config's crop of an image, round its middle or `centre`, RAS mm."""
    parser = ConfigParser()
    parser.read_config(CONFIG)
    parser.update({"volume_size": size})
    if centre is None:
        centre = voxel_to_ras((np.array(image.shape[1:]) - 1) / 2, np.asarray(image.affine))
    crop = parser.get_parsed_content("crop")
    assert isinstance(crop, CropAroundd)
    return crop({"image": image, "centre": centre})["image"]


def _affine(order, signs, spacing, tilt: float) -> np.ndarray:
    turn, _ = np.linalg.qr(np.eye(3) + tilt * np.random.default_rng(5).normal(size=(3, 3)))
    turn *= np.sign(np.diag(turn))
    affine = np.eye(4)
    affine[:3, :3] = (turn * np.array(spacing))[:, order] * np.array(signs)
    affine[:3, 3] = 12.0, -150.0, 800.0
    return affine


def _coordinate_field(shape, affine) -> MetaTensor:
    """(3, D0, D1, D2) float32: every voxel holds its own RAS x, y and z."""
    index = torch.stack(torch.meshgrid(*(torch.arange(size) for size in shape), indexing="ij"), dim=-1)
    world = voxel_to_ras(index, affine)
    return MetaTensor(world.float().movedim(-1, 0).contiguous(), affine=torch.from_numpy(affine))


def _worst_error(crop: MetaTensor, shape, affine) -> float:
    """mm between what the crop holds and where its affine puts it, at voxels within the input.

    Beyond the outermost voxel centres an image fades to air, so these bound what can be compared.
    """
    voxels = np.random.default_rng(0).integers(0, crop.shape[1], size=(30_000, 3))
    world = normalised_to_ras(voxel_to_normalised(voxels, crop.shape[1:]), crop.shape[1:], np.asarray(crop.affine))
    back = ras_to_voxel(world, affine)
    inside = ((back > 0.01) & (back < np.array(shape) - 1.01)).all(axis=-1)
    assert inside.sum() > 500
    held = crop.as_tensor().numpy()[:, *voxels.T].T
    return float(np.abs(held - world)[inside].max())


@pytest.mark.parametrize(("order", "signs"), ORDERS)
def test_world_coordinates_survive(order, signs):
    """Each of the 48 orders is once straight or oblique, and padded, padded and cropped, or cropped."""
    number = ORDERS.index((order, signs))
    shape = tuple(list(SHAPES.values())[number % 3][axis] for axis in order)
    affine = _affine(order, signs, (1.35, 1.4, 1.25), tilt=(0.0, 0.15)[(number // 3) % 2])
    crop = _crop(_coordinate_field(shape, affine))
    assert crop.shape == (3, SIZE, SIZE, SIZE)
    assert _worst_error(crop, shape, affine) < 1e-3


@pytest.mark.parametrize("spacing", [(0.35, 0.35, 0.6), (0.7, 0.7, 5.0), (2.5, 1.0, 1.0)], ids=str)
def test_world_coordinates_survive_anisotropic_and_left_handed(spacing):
    shape = (200, 150, 60)
    affine = _affine((2, 0, 1), (1, 1, -1), spacing, tilt=0.15)
    assert np.linalg.det(affine[:3, :3]) < 0
    crop = _crop(_coordinate_field(shape, affine))
    assert _worst_error(crop, shape, affine) < 1e-3


@pytest.mark.parametrize("number", range(0, 48, 4))
def test_world_coordinates_survive_the_shear_of_a_tilted_gantry(number):
    """The crop of a sheared input is itself not sheared, and in the same place."""
    order, signs = ORDERS[number]
    shape, affine = (90, 120, 60), _affine(order, signs, (0.9, 1.2, 1.6), tilt=(0.0, 0.15)[number % 8 // 4])
    affine[:3, 2] += np.tan(np.radians((14, -30)[number % 3 == 0])) * affine[:3, 1]
    crop = _crop(_coordinate_field(shape, affine))
    axes = np.asarray(crop.affine)[:3, :3]
    np.testing.assert_allclose(axes.T @ axes, 2.6**2 * np.eye(3), atol=1e-6)
    assert _worst_error(crop, shape, affine) < 1e-3


def test_crop_has_the_spacing_centre_and_axes_that_the_network_expects():
    shape, affine = (70, 61, 52), _affine((1, 2, 0), (-1, 1, -1), (1.0, 2.0, 1.5), tilt=0.0)
    crop = _crop(_coordinate_field(shape, affine), size=128)
    placed = np.asarray(crop.affine)
    np.testing.assert_allclose(placed[:3, :3], 1.3 * np.eye(3), atol=1e-6)
    middle = voxel_to_ras((np.array(shape) - 1) / 2, affine)
    np.testing.assert_allclose(normalised_to_ras(np.zeros(3), (128, 128, 128), placed), middle, atol=1e-6)


@pytest.mark.parametrize("number", range(1, 48, 6))
def test_world_coordinates_survive_wherever_the_crop_is_centred(number):
    """Also where the crop leaves the image: the centre is exact, and what is inside is in its place."""
    order, signs = ORDERS[number]
    shape, affine = (110, 90, 140), _affine(order, signs, (0.8, 1.2, 1.6), tilt=0.15)
    centre = voxel_to_ras(np.random.default_rng(number).uniform(0, 1, 3) * np.array(shape), affine)
    crop = _crop(_coordinate_field(shape, affine), centre)
    np.testing.assert_allclose(
        normalised_to_ras(np.zeros(3), crop.shape[1:], np.asarray(crop.affine)), centre, atol=1e-6
    )
    assert _worst_error(crop, shape, affine) < 1e-3


def test_window_and_air(tmp_path):
    """-300 HU and below are -1, 700 HU and above are 1, and what lies outside the input is air."""
    volume = np.full((40, 40, 40), 200, dtype=np.int16)
    volume[:20] = -1000
    volume[30:] = 3000
    path = tmp_path / "ct.nii.gz"
    nibabel.save(nibabel.Nifti1Image(volume, np.diag([2.0, 2.0, 2.0, 1.0])), path)
    parser = ConfigParser()
    parser.read_config(CONFIG)
    parser["centre"] = [40.0, 40.0, 40.0]
    crop = parser.get_parsed_content("preprocessing")({"image": str(path)})["image"]
    assert crop.shape == (1, 128, 128, 128)
    assert crop.dtype == torch.float32
    values = crop.as_tensor()[0]
    voxels = ras_to_voxel(np.array([[10.0, 40, 40], [50, 40, 40], [70, 40, 40]]), np.asarray(crop.affine)).round()
    assert [values[*voxel.astype(int)].item() for voxel in voxels] == pytest.approx([-1, 0, 1], abs=1e-5)
    assert (values[:20] == -1).all() and (values[-20:] == -1).all()
    assert -1 <= values.min() and values.max() <= 1
