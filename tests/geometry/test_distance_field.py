import igl
import numpy as np
import pytest
import torch

from custom.geometry.distance_field import _nearest_seed, cube_distance_field, distance_field


def _reference(vertices, faces, shape):
    voxels = torch.cartesian_prod(*(torch.arange(n) for n in shape)).double().numpy()
    squared, _, _ = igl.point_mesh_squared_distance(voxels, vertices.numpy(), faces.numpy())
    inside = igl.fast_winding_number(vertices.numpy(), faces.numpy(), voxels) > 0.5
    return (np.sqrt(squared) * np.where(inside, -1, 1)).reshape(shape)


def test_distance_to_an_exact_sphere(icosphere):
    vertices, faces = icosphere(4)
    shape, centre = (40, 41, 42), torch.tensor([19.7, 20.2, 21.1])
    field = distance_field(vertices * 13 + centre, faces, shape)
    voxels = torch.cartesian_prod(*(torch.arange(n) for n in shape)).view(*shape, 3)
    expected = (voxels - centre).norm(dim=-1) - 13
    assert field.dtype == torch.float32
    near = expected.abs() < 2.9
    torch.testing.assert_close(field[near], expected[near], atol=0.03, rtol=0)  # the facets' sagitta
    torch.testing.assert_close(field, expected, atol=0.4, rtol=0)
    assert (field - expected).abs().mean() < 0.03


def test_in_the_cube_lengths_are_normalised(icosphere):
    vertices, faces = icosphere(4)
    centre = torch.tensor([0.1, -0.2, 0.05])
    field = cube_distance_field(0.6 * vertices + centre, faces, 33)
    line = torch.linspace(-1, 1, 33)
    voxels = torch.stack(torch.meshgrid(line, line, line, indexing="ij"), -1)
    assert field.shape == (33, 33, 33)
    torch.testing.assert_close(field, (voxels - centre).norm(dim=-1) - 0.6, atol=0.03, rtol=0)


@pytest.mark.parametrize("band", [1.0, 3.0, 5.5])
def test_folded_meshes_are_exact_in_the_band_and_bounded_beyond(folded, band):
    vertices, faces = folded
    vertices, shape = 11.0 * vertices / vertices.abs().max() + 12.3, (26, 25, 27)
    field = distance_field(vertices, faces, shape, band).numpy()
    expected = _reference(vertices, faces, shape)
    near = np.abs(expected) <= band
    np.testing.assert_allclose(field[near], expected[near], atol=1e-5, rtol=0)
    np.testing.assert_array_equal(np.sign(field[~near]), np.sign(expected[~near]))
    excess = np.abs(field[~near]) - np.abs(expected[~near])
    assert excess.min() > -1e-4
    assert excess.mean() < 0.06 and excess.max() < 3**0.5


def test_a_coarse_mesh_with_triangles_larger_than_the_band(icosphere):
    vertices, faces = icosphere(0)
    vertices, shape = vertices * 11 + 12.1, (24, 26, 25)
    field = distance_field(vertices, faces, shape).numpy()
    expected = _reference(vertices, faces, shape)
    near = np.abs(expected) <= 3
    np.testing.assert_allclose(field[near], expected[near], atol=1e-5, rtol=0)


def test_a_small_ball_in_a_far_corner(icosphere):
    """The way from the opposite corner is longer than any axis."""
    vertices, faces = icosphere(2)
    vertices, shape = 1.5 * vertices + torch.tensor([2.0, 2.0, 2.0]), (24, 25, 26)
    field = distance_field(vertices, faces, shape).numpy()
    excess = field - _reference(vertices, faces, shape)
    assert np.abs(excess).max() < 0.2 and field.max() > 35


def test_a_mesh_across_the_border(icosphere):
    vertices, faces = icosphere(2)
    vertices, shape = vertices * 9 + torch.tensor([2.0, 10.0, 18.0]), (20, 20, 20)
    field = distance_field(vertices, faces, shape).numpy()
    expected = _reference(vertices, faces, shape)
    near = np.abs(expected) <= 3
    np.testing.assert_allclose(field[near], expected[near], atol=1e-5, rtol=0)


@pytest.mark.parametrize("shape", [(7, 19, 12), (16, 1, 17), (2, 3, 1500)])  # the last needs 64-bit integers
def test_nearest_seed_is_nearest(shape):
    seeds = torch.rand(shape, generator=torch.Generator().manual_seed(0)) < 0.01
    seeds[1, 0, 5] = True
    voxels = torch.cartesian_prod(*(torch.arange(n) for n in shape))
    found = voxels[_nearest_seed(seeds, voxels)]
    assert seeds[tuple(found.T)].all()
    squared = (voxels[:, None] - seeds.nonzero()).square().sum(-1).amin(1)
    assert torch.equal((found - voxels).square().sum(1), squared)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_what_the_cpu_gives(folded):
    vertices, faces = folded
    vertices, shape = 13.0 * vertices + 17.3, (36, 35, 37)
    expected = distance_field(vertices, faces, shape)
    found = distance_field(vertices.cuda(), faces.cuda(), shape).cpu()
    near = expected.abs() <= 3
    torch.testing.assert_close(found[near], expected[near], atol=1e-5, rtol=0)
    assert torch.equal(found < 0, expected < 0)


def test_wrong_input_is_named(icosphere):
    vertices, faces = icosphere(1)
    with pytest.raises(ValueError, match="lies further than 3.0 from the grid"):
        distance_field(vertices + 50, faces, (10, 10, 10))
    with pytest.raises(ValueError, match="vertices must be finite"):
        distance_field(vertices * torch.nan, faces, (10, 10, 10))
    with pytest.raises(ValueError, match="without faces"):
        distance_field(vertices + 5, faces[:0], (10, 10, 10))
    with pytest.raises(ValueError, match="band"):
        distance_field(vertices + 5, faces, (10, 10, 10), band=0.5)
