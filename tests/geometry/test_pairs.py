import torch

from custom.geometry.pairs import nearest, rows_per_block, squared_distances


def random_points(*shape, seed):
    return 2 * torch.rand(*shape, 3, generator=torch.Generator().manual_seed(seed)) - 1


def test_distances_are_exact_where_points_nearly_coincide():
    points = random_points(2, 300, seed=0)
    moved = points + 1e-4 * random_points(2, 300, seed=1)
    found = squared_distances(points, moved)
    expected = torch.cdist(points.double(), moved.double(), compute_mode="donot_use_mm_for_euclid_dist").square()
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=0)


def test_the_nearest_is_nearest():
    points, others = random_points(2, 50, seed=2), random_points(2, 70, seed=3)
    expected = (points[:, :, None] - others[:, None]).double().norm(dim=-1).argmin(-1)
    assert torch.equal(nearest(points, others), expected)


def test_blocks_stay_in_a_processors_cache():
    for rows, columns in ((5124, 1284), (10, 10), (3, 10**6)):
        block = rows_per_block(torch.empty(1, rows, 3), torch.empty(1, columns, 3)) * columns
        assert block <= 2**17 or block == columns
