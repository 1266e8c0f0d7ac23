"""Conversions between voxel, normalised, RAS and LPS coordinates."""

from __future__ import annotations

import itertools

import nibabel
import numpy as np
import pytest
import torch

from custom import frames

SHAPE = (12, 7, 30)
ORDERS = list(itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)))


def _oblique(order: tuple[int, ...], signs: tuple[int, ...]) -> np.ndarray:
    """An anisotropic, oblique voxel-to-RAS map whose axes run in one of the 48 orders (half of them left-handed)."""
    rotation = np.linalg.qr(np.eye(3) + 0.2 * np.random.default_rng(3).normal(size=(3, 3)))[0]
    affine = np.eye(4)
    affine[:3, :3] = rotation @ np.eye(3)[:, order] * np.array(signs) * np.array([0.4, 0.7, 3.0])
    affine[:3, 3] = -120.5, 30.25, 1410.0
    return affine


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])
@pytest.mark.parametrize(("order", "signs"), ORDERS)
def test_round_trips_over_all_axis_orders(kind, order, signs):
    affine = _oblique(order, signs)
    points = kind(np.random.default_rng(0).uniform(-1.5, 1.5, size=(2, 50, 3)))
    voxels = frames.normalised_to_voxel(points, SHAPE)
    ras = frames.voxel_to_ras(voxels, affine)
    assert type(ras) is type(points)
    np.testing.assert_allclose(frames.ras_to_voxel(ras, affine), voxels, rtol=0, atol=1e-9)
    np.testing.assert_allclose(frames.voxel_to_normalised(voxels, SHAPE), points, rtol=0, atol=1e-12)
    np.testing.assert_allclose(frames.normalised_to_ras(points, SHAPE, affine), ras, rtol=0, atol=1e-9)
    expected = nibabel.affines.apply_affine(affine, np.asarray(voxels))
    np.testing.assert_allclose(ras, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("order", "signs"), ORDERS[::5])
def test_the_covering_grid_is_upright_and_no_larger_than_needed(order, signs):
    affine = _oblique(order, signs)
    shape, upright = frames.covering_grid(SHAPE, affine, 2.5)
    np.testing.assert_allclose(upright[:3, :3], 2.5 * np.eye(3), atol=1e-12)
    corners = np.array(list(itertools.product(*((-0.5, size - 0.5) for size in SHAPE))))
    voxels = frames.ras_to_voxel(frames.voxel_to_ras(corners, affine), upright)
    assert voxels.min() >= -0.5 - 1e-6 and (voxels <= np.array(shape) - 0.5 + 1e-6).all()
    slack = np.array(shape) - np.ptp(voxels, axis=0)
    assert (slack < 1 + 1e-6).all()


def test_a_grid_that_fits_exactly_is_covered_by_no_voxel_more():
    shape, upright = frames.covering_grid((4, 6, 10), frames.centred_affine((4, 6, 10), (0.5, 0.5, 0.3)), 0.1)
    assert shape == (20, 30, 30)
    np.testing.assert_allclose(frames.voxel_to_ras(np.array([9.5, 14.5, 14.5]), upright), 0, atol=1e-12)


def test_normalised_ends_are_the_centres_of_the_outer_voxels():
    corners = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))
    voxels = frames.normalised_to_voxel(corners, SHAPE)
    assert {tuple(voxel) for voxel in voxels} == set(itertools.product(*((0.0, size - 1.0) for size in SHAPE)))


def test_normalised_component_belongs_to_its_axis():
    voxel = frames.normalised_to_voxel(torch.tensor([-1.0, 0.0, 1.0]), SHAPE)
    assert voxel.tolist() == [0.0, 3.0, 29.0]


def test_two_voxels_an_axis_are_enough():
    assert frames.normalised_to_voxel(np.array([-1.0, 0.0, 1.0]), (2, 2, 2)).tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(("order", "signs"), ORDERS[::7])
def test_faces_that_face_out_still_do_in_the_patient(order, signs):
    affine = _oblique(order, signs)
    corners, faces = (
        np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]),
        np.array([[1, 2, 3]]),
    )  # away from the first
    first, *face = frames.voxel_to_ras(corners, affine)[[0, *frames.facing_out(faces, affine)[0]]]
    assert np.linalg.det(face - first) > 0


def test_same_place_as_grid_sample():
    grid = torch.rand(1, 1, *SHAPE, dtype=torch.float64)
    voxel = torch.tensor([3.0, 5.0, 17.0], dtype=torch.float64)
    place = frames.voxel_to_normalised(voxel, SHAPE).flip(-1).view(1, 1, 1, 1, 3)
    sampled = torch.nn.functional.grid_sample(grid, place, align_corners=True)
    assert sampled.item() == pytest.approx(grid[0, 0, 3, 5, 17].item(), abs=1e-12)


def test_lps_is_its_own_inverse_and_keeps_the_type():
    points = torch.rand(4, 3)
    lps = frames.ras_to_lps(points)
    assert lps.dtype == torch.float32 and frames.ras_to_lps(points.numpy()).dtype == np.float32
    assert torch.equal(lps, points * torch.tensor([-1.0, -1.0, 1.0]))
    assert torch.equal(frames.ras_to_lps(lps), points)


def test_integer_voxels_do_not_round():
    assert frames.voxel_to_normalised(np.array([1, 1, 1]), (4, 4, 4)) == pytest.approx([-1 / 3] * 3)
    assert frames.voxel_to_normalised(torch.tensor([1, 1, 1]), (4, 4, 4)).tolist() == pytest.approx([-1 / 3] * 3)


def test_world_coordinates_are_double_and_differentiable():
    points = torch.rand(5, 3, requires_grad=True)
    affine = _oblique((2, 0, 1), (1, -1, 1))
    world = frames.normalised_to_ras(points, SHAPE, affine)
    assert world.dtype == torch.float64
    double = points.detach().double().requires_grad_()
    assert torch.autograd.gradcheck(lambda p: frames.ras_to_lps(frames.normalised_to_ras(p, SHAPE, affine)), double)


@pytest.mark.parametrize(("order", "signs"), ORDERS[::7])
def test_spacing_belongs_to_tensor_axes(order, signs):
    np.testing.assert_allclose(frames.spacing_of(_oblique(order, signs)), [0.4, 0.7, 3.0], atol=1e-12)


@pytest.mark.parametrize(("order", "signs"), ORDERS)
def test_how_far_voxels_lie_along_a_direction(order, signs):
    affine, direction = _oblique(order, signs), np.array([0.6, 0.0, -0.8])
    index = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)
    along = frames.voxel_to_ras(index, affine) @ direction
    np.testing.assert_allclose(frames.voxels_along(direction, SHAPE, affine), along)


def test_refusals():
    with pytest.raises(ValueError, match="two voxels or more"):
        frames.normalised_to_voxel(np.zeros(3), (4, 1, 4))
    with pytest.raises(ValueError, match="singular"):
        frames.ras_to_voxel(np.zeros(3), np.zeros((4, 4)))
    with pytest.raises(ValueError, match=r"\(4, 4\)"):
        frames.apply_affine(np.eye(3), np.zeros(3))


def test_every_second_voxel_stays_where_it_is():
    affine = _oblique(*ORDERS[5])
    voxels = np.random.default_rng(0).uniform(0, 9, (20, 3))
    coarse = frames.voxel_to_ras(voxels / 2, frames.strided_affine(affine, 2))
    np.testing.assert_allclose(coarse, frames.voxel_to_ras(voxels, affine))


def test_blocks_of_a_grid_lie_at_the_mean_of_their_voxels():
    affine = _oblique(*ORDERS[5])
    corners = np.array([[0, 0, 0], [2, 0, 0], [0, 1, 0], [2, 1, 0]])  # of the first block of 3 x 2 x 1
    block = frames.voxel_to_ras(np.array([[0.0, 0, 0], [1, 1, 1]]), frames.block_affine(affine, (3, 2, 1)))
    np.testing.assert_allclose(block[0], frames.voxel_to_ras(corners, affine).mean(0))
    np.testing.assert_allclose(block[1], frames.voxel_to_ras(corners + [3, 2, 1], affine).mean(0))


def test_a_centred_grid_and_one_described_in_lps():
    affine = frames.centred_affine((5, 8, 10), (1.0, 2.0, 3.0), (10.0, -20.0, 30.0))
    middle = frames.voxel_to_ras(np.array([2.0, 3.5, 4.5]), affine)
    np.testing.assert_allclose(middle, (10.0, -20.0, 30.0))
    np.testing.assert_allclose(frames.spacing_of(affine), (1.0, 2.0, 3.0))
    axes, origin = np.array([[1.0, 0.1, 0.0], [0.2, 2.0, 0.3], [0.0, 0.0, 3.0]]), np.array([5.0, 6.0, 7.0])
    voxels = np.random.default_rng(0).uniform(0, 9, (20, 3))
    lps = voxels @ axes.T + origin
    np.testing.assert_allclose(frames.voxel_to_ras(voxels, frames.affine_of_lps(axes, origin)), lps * (-1, -1, 1))


@pytest.mark.parametrize(("order", "signs"), ORDERS[::3])
def test_the_rectangular_grid_of_perpendicular_axes_is_the_image_s_own(order, signs):
    affine = _oblique(order, signs)
    for given, tolerance in ((affine, 1e-10), (affine.astype(np.float32), 1e-4)):
        shape, grid = frames.rectangular_grid(SHAPE, given)
        assert shape == SHAPE
        np.testing.assert_allclose(grid, affine, rtol=0, atol=tolerance)
        units = grid[:3, :3] / frames.spacing_of(grid)
        np.testing.assert_allclose(units.T @ units, np.eye(3), rtol=0, atol=1e-12)


@pytest.mark.parametrize("tilt", [14.0, -35.0])
@pytest.mark.parametrize("aside", [0.0, 0.1])
@pytest.mark.parametrize(("order", "signs"), [case for case in ORDERS if case[0][2] == 2])
def test_the_rectangular_grid_of_slices_stacked_askew_keeps_their_planes_and_covers_them(order, signs, tilt, aside):
    affine = _oblique(order, signs)
    sheared = affine.copy()
    for axis, share in ((0, aside), (1, 1.0)):
        sheared[:3, 2] += share * np.tan(np.radians(tilt)) * 3.0 * affine[:3, axis] / np.linalg.norm(affine[:3, axis])
    shape, grid = frames.rectangular_grid(SHAPE, sheared)
    np.testing.assert_allclose(grid[:3, :3], affine[:3, :3], rtol=0, atol=1e-9)
    assert shape[2] == SHAPE[2]
    _check_cover(shape, grid, sheared)


@pytest.mark.parametrize(("order", "signs"), ORDERS[::3])
def test_the_rectangular_grid_covers_any_sheared_axes(order, signs):
    sheared = _oblique(order, signs)
    sheared[:3, :3] += 0.2 * np.random.default_rng(5).normal(size=(3, 3))
    shape, grid = frames.rectangular_grid(SHAPE, sheared)
    units = grid[:3, :3] / frames.spacing_of(grid)
    np.testing.assert_allclose(units.T @ units, np.eye(3), rtol=0, atol=1e-12)
    assert np.sign(np.linalg.det(units)) == np.sign(np.linalg.det(sheared[:3, :3]))
    _check_cover(shape, grid, sheared)


def _check_cover(shape, grid, affine):
    """Every voxel's centre lies in a voxel of the grid, which reaches no further than it must."""
    index = np.stack(np.meshgrid(*(np.arange(size) for size in SHAPE), indexing="ij"), axis=-1)
    voxels = frames.ras_to_voxel(frames.voxel_to_ras(index.reshape(-1, 3), affine), grid)
    assert voxels.min() >= -0.5 - 1e-9 and (voxels <= np.array(shape) - 0.5 + 1e-9).all()
    assert (np.array(shape) - np.ptp(voxels, axis=0) <= 2 + 1e-9).all()


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ((3.2, 2.2, 10.5), (5.1, 2.9, 10.9), ((2, 8), (1, 5), (9, 13))),
        ((-4.5, 0.5, 28.4), (0.5, 5.9, 40.5), ((0, 3), (0, 7), (27, 30))),
        ((-9.5, 20.5, 50.5), (-7.5, 21.5, 60.5), ((0, 2), (5, 7), (28, 30))),
    ],
    ids=["within", "over the edge", "beyond"],
)
def test_the_box_round_points_is_a_voxel_wider_and_stays_in_the_grid(low, high, expected):
    affine = _oblique((2, 0, 1), (1, -1, 1))
    box, own = frames.box_around(frames.voxel_to_ras(np.array([low, high]), affine), SHAPE, affine)
    assert tuple((side.start, side.stop) for side in box) == expected
    begin = np.array([side.start for side in box], dtype=float)
    np.testing.assert_allclose(frames.voxel_to_ras(np.ones(3), own), frames.voxel_to_ras(begin + 1, affine))
