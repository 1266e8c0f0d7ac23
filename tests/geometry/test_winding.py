import igl
import numpy as np
import pytest
import torch

from custom.geometry import winding
from custom.geometry.winding import voxelise, winding_number, winding_number_grid


def _voxels(shape):
    return torch.cartesian_prod(*(torch.arange(n) for n in shape)).double()


def test_voxelised_sphere_agrees_with_its_equation_up_to_the_facets(icosphere):
    vertices, faces = icosphere(4)
    centre, radius, shape = torch.tensor([9.3, 11.1, 8.7]), 7.4, (20, 23, 18)
    mask = voxelise(vertices * radius + centre, faces, shape)
    distance = (_voxels(shape).view(*shape, 3) - centre).norm(dim=-1) - radius
    clear = (distance > 0) | (distance < -0.02)  # the facets' sagitta
    assert mask.dtype == torch.bool
    assert torch.equal(mask[clear], distance[clear] < 0)


def test_folded_meshes_have_the_generalised_winding_number(folded):
    vertices, faces = folded
    vertices, shape = 8.0 * vertices + 12.2, (25, 26, 27)
    winding = winding_number_grid(vertices, faces, shape)
    expected = igl.winding_number(vertices.numpy(), faces.numpy(), _voxels(shape).numpy())
    assert winding.dtype == torch.int16
    assert winding.max() > 1 or winding.min() < 0
    np.testing.assert_array_equal(winding.flatten().numpy(), np.round(expected))
    assert torch.equal(voxelise(vertices, faces, shape), winding > 0)


def test_points_and_grid_agree(folded):
    vertices, faces = folded
    shape = (20, 21, 19)
    vertices = 6.0 * vertices + 9.5
    winding = winding_number_grid(vertices, faces, shape)
    assert torch.equal(winding_number(_voxels(shape)[None], vertices[None], faces)[0], winding.flatten().long())


def test_single_points_have_the_generalised_winding_number(folded):
    vertices, faces = folded
    generator = torch.Generator().manual_seed(1)
    points = 3 * torch.rand(2000, 3, generator=generator, dtype=torch.float64) - 1.5
    expected = np.round(igl.winding_number(vertices.numpy(), faces.numpy(), points.numpy()))
    np.testing.assert_array_equal(winding_number(points[None], vertices[None], faces)[0].numpy(), expected)


@pytest.mark.parametrize("seed", range(5))
def test_columns_through_vertices_and_edges_do_not_leak(icosphere, seed):
    """Rounded to whole and half voxels, every column of voxels meets vertices, edges and vertical faces."""
    generator = torch.Generator().manual_seed(seed)
    vertices, faces = icosphere(2)
    vertices = vertices * 6 + 10 + torch.randn(vertices.shape, generator=generator, dtype=torch.float64)
    vertices = (vertices * 2).round() / 2 if seed % 2 else vertices.round()
    shape = (21, 21, 21)
    winding = winding_number_grid(vertices, faces, shape)
    assert not winding[:, :, -1].any()
    voxels = _voxels(shape)
    squared, _, _ = igl.point_mesh_squared_distance(voxels.numpy(), vertices.numpy(), faces.numpy())
    off_surface = squared > 1e-12
    expected = np.round(igl.winding_number(vertices.numpy(), faces.numpy(), voxels.numpy()))
    np.testing.assert_array_equal(winding.flatten().numpy()[off_surface], expected[off_surface])


def test_abutting_boxes_share_out_their_voxels():
    """Half-open surfaces: a voxel centre on the wall between two bodies belongs to exactly one of them."""
    corners = torch.cartesian_prod(*(torch.tensor([0.0, 1.0]),) * 3).double()
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = torch.tensor([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])
    for axis in range(3):
        size = torch.tensor([4.0, 4.0, 4.0], dtype=torch.float64)
        shift = torch.zeros(3, dtype=torch.float64)
        shift[axis] = 4
        first = voxelise(corners * size + 2, faces, (12, 12, 12))
        second = voxelise(corners * size + 2 + shift, faces, (12, 12, 12))
        assert not (first & second).any()
        assert first.sum() == second.sum() == 64


@pytest.mark.parametrize("offset", [(-30.0, 5.0, 5.0), (5.0, 40.0, 5.0), (5.0, 5.0, -40.0), (5.0, 5.0, 40.0)])
def test_a_mesh_outside_the_grid_leaves_it_empty(icosphere, offset):
    vertices, faces = icosphere(2)
    mask = voxelise(4 * vertices + torch.tensor(offset), faces, (10, 11, 12))
    assert mask.shape == (10, 11, 12) and not mask.any()


def test_points_outside_the_mesh_or_none_at_all(icosphere):
    vertices, faces = icosphere(1)
    points = torch.tensor([[5.0, 0, 0], [0, -5, 0], [0, 0, 5], [0, 0, -5], [0, 0, 0]])
    assert winding_number(points[None], vertices[None], faces)[0].tolist() == [0, 0, 0, 0, 1]
    assert winding_number(points[:0][None], vertices[None], faces)[0].shape == (0,)


def test_a_mesh_across_the_border_is_cut_there(icosphere):
    vertices, faces = icosphere(3)
    vertices = 6.1 * vertices + 8.05
    whole = voxelise(vertices, faces, (18, 18, 18))
    for axis in range(3):
        shift = torch.zeros(3, dtype=torch.float64)
        shift[axis] = 8
        part = voxelise(vertices - shift, faces, tuple(18 - int(s) for s in shift))
        assert torch.equal(part, whole.narrow(axis, 8, 10))
        low = voxelise(vertices, faces, tuple(18 - int(s) for s in shift))
        assert torch.equal(low, whole.narrow(axis, 0, 10))


def test_vertices_must_be_finite(icosphere):
    vertices, faces = icosphere(1)
    vertices[3, 1] = float("nan")
    with pytest.raises(ValueError, match="finite"):
        voxelise(vertices, faces, (4, 4, 4))


@pytest.mark.parametrize("size", [1e12, 1e30, 1e300])
def test_a_mesh_far_larger_than_the_grid_holds_all_of_it_or_nothing(icosphere, size):
    vertices, faces = icosphere(2)
    assert voxelise(size * vertices, faces, (5, 6, 7)).all()
    for axis in range(3):
        for side in (-2, 2):
            shift = torch.zeros(3, dtype=torch.float64)
            shift[axis] = side
            assert not voxelise(size * (vertices + shift), faces, (5, 6, 7)).any()


def test_no_faces_hold_nothing(icosphere):
    vertices, faces = icosphere(1)
    assert not winding_number_grid(vertices, faces[:0], (4, 5, 6)).any()
    assert winding_number(vertices[None], vertices[None], faces[:0])[0].tolist() == [0] * len(vertices)


@pytest.mark.parametrize("pairs", [1, 50, 3000])
def test_the_steps_of_a_count_are_all_of_it(folded, monkeypatch, pairs):
    vertices, faces = folded
    vertices, shape = 5.0 * vertices + 7.2, (15, 16, 14)
    grid, points = (
        winding_number_grid(vertices, faces, shape),
        winding_number(_voxels(shape)[::9][None], vertices[None], faces)[0],
    )
    monkeypatch.setattr(winding, "_PAIRS_PER_STEP", pairs)
    assert torch.equal(winding_number_grid(vertices, faces, shape), grid) and grid.any()
    assert torch.equal(winding_number(_voxels(shape)[::9][None], vertices[None], faces)[0], points)
