from itertools import permutations, product

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from custom import sampling
from custom.frames import centred_affine, ras_to_voxel, voxel_to_normalised, voxel_to_ras
from custom.sampling import level_coordinates, regrid, resample, sample, sample_lines


def field(shape, dtype=torch.float64):
    """A volume whose three channels are its own voxel coordinates."""
    axes = torch.meshgrid(*(torch.arange(n, dtype=dtype) for n in shape), indexing="ij")
    return torch.stack(axes)[None]


def test_component_k_belongs_to_axis_k():
    shape = (5, 8, 11)
    voxels = torch.rand(1, 50, 3, dtype=torch.float64) * (torch.tensor(shape) - 1)
    values = sample(field(shape), voxel_to_normalised(voxels, shape))
    torch.testing.assert_close(values, voxels, rtol=0, atol=1e-10)


@pytest.mark.parametrize("stride", [1, 2, 8])
def test_a_level_is_read_where_its_voxels_lie_in_the_crop(stride):
    shape = (2, 6, 5)
    crop = tuple(n * stride for n in shape)
    level = field(shape) * stride  # voxel j of the level lies on crop voxel stride * j
    voxels = torch.rand(1, 60, 3, dtype=torch.float64) * (torch.tensor(shape) - 1) * stride
    values = sample(level, voxel_to_normalised(voxels, crop), stride)
    torch.testing.assert_close(values, voxels, rtol=0, atol=1e-10)
    own = level_coordinates(level, stride)
    torch.testing.assert_close(own, voxel_to_normalised(level[0].flatten(1).T, crop), rtol=0, atol=1e-12)


def test_strided_convolution_puts_voxel_j_on_crop_voxel_s_times_j():
    image = torch.zeros(1, 1, 16, 16, 16)
    image[0, 0, 6, 8, 10] = 1
    kernel = torch.zeros(1, 1, 3, 3, 3)
    kernel[0, 0, 1, 1, 1] = 1
    level = torch.nn.functional.conv3d(image, kernel, stride=2, padding=1)
    assert level.nonzero()[0].tolist() == [0, 0, 3, 4, 5]


def test_gradients_reach_volume_and_points():
    volume = torch.randn(2, 3, 4, 5, 6, dtype=torch.float64, requires_grad=True)
    points = (torch.rand(2, 7, 3, dtype=torch.float64) * 1.6 - 0.8).requires_grad_()
    assert torch.autograd.gradcheck(lambda v, p: sample(v, p, 2), (volume, points))


def test_resample_fills_with_zero_outside():
    volume = torch.ones(1, 4, 4, 4)
    grid = torch.tensor([[[[0.0, 0.0, 0.0], [3.0, 0.0, 0.0]]]])
    assert resample(volume, grid, "nearest").flatten().tolist() == [1.0, 0.0]


def test_a_level_of_one_voxel_has_its_value_everywhere():
    points = torch.cat([torch.rand(1, 9, 3) * 2 - 1, torch.full((1, 1, 3), -1.0)], 1).requires_grad_()
    values = sample(torch.full((1, 2, 1, 3, 1), 7.0), points, stride=8)
    values.sum().backward()
    assert values.eq(7).all() and points.grad.isfinite().all()


def test_resample_reads_the_voxels_that_the_grid_names():
    shape = (5, 8, 11)
    voxels = torch.rand(2, 3, 4, 3, dtype=torch.float64) * (torch.tensor(shape) - 1)
    values = resample(field(shape)[0], voxel_to_normalised(voxels, shape), "bilinear")
    torch.testing.assert_close(values, voxels.movedim(-1, 0), rtol=0, atol=1e-10)


@pytest.mark.parametrize("slab", [1, 5000, 1 << 23])
@pytest.mark.parametrize("kind", [torch.int16, torch.float32, torch.float64])
def test_a_grid_anywhere_in_the_patient_gets_what_lies_there(monkeypatch, slab, kind):
    """Of a volume that holds its own RAS coordinates, turned and sheared; `fill` where there is nothing."""
    monkeypatch.setattr(sampling, "SLAB", slab)
    affine = np.array([[0, -2.0, 0.3, 40], [1.5, 0, 0, -30], [0, 0.4, 3.0, 700], [0, 0, 0, 1]])
    shape = (30, 26, 20)
    voxels = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    world = torch.from_numpy(np.moveaxis(voxel_to_ras(voxels, affine), -1, 0))
    held = (world * 30).round().to(kind)
    centre = voxel_to_ras((np.array(shape) - 1) / 2, affine)
    target = centred_affine((24, 20, 28), (1.3, 2.6, 1.9), centre + (8, 0, 0))
    found = regrid(held, affine, (24, 20, 28), target, -7.0)
    assert found.dtype == torch.float32 and found.shape == (3, 24, 20, 28)
    index = np.stack(np.meshgrid(*map(np.arange, found.shape[1:]), indexing="ij"), -1)
    expected, place = voxel_to_ras(index, target), ras_to_voxel(voxel_to_ras(index, target), affine)
    inside = ((place > 0) & (place < np.array(shape) - 1)).all(-1)
    outside = ((place < -1) | (place > np.array(shape))).any(-1)
    assert inside.sum() > 1000 and outside.sum() > 1000
    error = np.abs(found.numpy()[:, inside].T - expected[inside] * 30).max()
    assert error < (0.51 if kind == torch.int16 else 0.6)  # rounding to whole numbers before
    assert (found[:, torch.from_numpy(outside)] == -7.0).all()


@pytest.mark.parametrize("order", permutations(range(3)))
@pytest.mark.parametrize("signs", product([-1, 1], repeat=3))
@pytest.mark.parametrize("step", [0.4, 1.7, 4.1])
def test_a_grid_of_parallel_axes_gets_what_scipy_says(monkeypatch, order, signs, step):
    """All 48 axis orders, finer and coarser grids that reach beyond the volume, in both layouts of its memory; at once,
    and in slabs of a few planes."""
    draw = np.random.default_rng(0)
    values = draw.integers(-1000, 1000, (2, 13, 8, 11)).astype(np.int16)
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[:, order] * signs * (1.5, 0.8, 2.0)
    size = np.abs(affine[:3, :3]) @ (np.array(values.shape[1:]) - 1)
    shape = tuple(np.ceil(size / step).astype(int) + 3)
    target = centred_affine(shape, (step,) * 3, voxel_to_ras((np.array(values.shape[1:]) - 1) / 2, affine) + 0.13)
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    places = np.moveaxis(ras_to_voxel(voxel_to_ras(index, target), affine), -1, 0)
    expected = [map_coordinates(one.astype(float), places, order=1, mode="grid-constant", cval=-7) for one in values]
    for held, cached in product((values, np.asfortranarray(values)), (sampling.CACHED, 1000)):
        monkeypatch.setattr(sampling, "CACHED", cached)
        found = regrid(torch.from_numpy(held), affine, shape, target, -7.0)
        np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=2e-3)


def test_a_volume_is_not_changed_by_what_is_read_of_it():
    volume = torch.rand(1, 5, 6, 7)
    before = volume.clone()
    regrid(volume, np.eye(4), (5, 6, 7), np.eye(4), 3.0)
    assert volume.equal(before)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("aside", [-90, 90])
def test_a_grid_beyond_the_volume_is_all_fill(axis, aside):
    target = centred_affine((3, 3, 3), (1.0,) * 3, np.roll((aside, 2, 2), axis))
    found = regrid(torch.ones(1, 4, 5, 6), np.eye(4), (3, 3, 3), target, 5.0)
    assert (found == 5.0).all()


@pytest.mark.parametrize("layout", permutations(range(3)))
@pytest.mark.parametrize("dtype", [torch.int16, torch.uint8, torch.float32])
def test_along_lines_values_are_what_scipy_says(layout, dtype):
    """In any layout of the memory, with gaps and without, and beyond the volume."""
    draw = np.random.default_rng(0)
    held = torch.from_numpy(draw.integers(0, 200, (8, 5, 13))).to(dtype)
    starts, ways = draw.uniform(-4, 12, (40, 3)), draw.normal(size=(40, 3))
    distances = np.linspace(-3, 5, 9)
    for volume in (held, held[1::2, :, ::3]):
        volume = volume.permute(layout)
        places = np.moveaxis(starts[:, None] + ways[:, None] * distances[:, None], -1, 0)
        expected = map_coordinates(volume.numpy().astype(float), places, order=1, mode="nearest")
        found = sample_lines(volume, *map(torch.from_numpy, (starts, ways, distances)))
        assert found.dtype == torch.float32
        np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=2e-3)
