"""The distance to a region, against a transform without bound."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from custom.geometry.region_distance import distance_up_to


@pytest.mark.parametrize("spacing", [(1.3, 1.3, 1.3), (0.5, 2.0, 1.1), (3.0, 0.7, 0.7)])
@pytest.mark.parametrize("reach", [1.0, 3.9, 6.0])
@pytest.mark.parametrize("density", [0.001, 0.02, 0.3])
def test_it_is_the_distance_up_to_its_reach_and_more_beyond(spacing, reach, density):
    region = np.random.default_rng(7).random((21, 34, 17)) < density
    expected, found = distance_transform_edt(~region, spacing), distance_up_to(reach, region, spacing)
    near = expected <= reach
    assert found.dtype == np.float32 and near.any()
    np.testing.assert_allclose(found[near], expected[near], atol=1e-5)
    assert (found[expected > reach + 1e-5] > reach).all()


def test_a_distance_of_as_many_voxels_as_reach_is_found():
    """Although 3 * 1.3 is 3.9000000000000004 and 3.9 / 1.3 is not 3 to the last bit."""
    region = np.zeros((8, 1, 1), dtype=bool)
    region[0] = True
    assert distance_up_to(3 * 1.3, region, (1.3, 1.3, 1.3))[3, 0, 0] == pytest.approx(3.9)
    assert distance_up_to(3.9, region, (1.3, 1.3, 1.3))[3, 0, 0] == pytest.approx(3.9)


def test_without_a_region_nothing_is_near_and_without_voxels_there_is_nothing():
    assert np.isinf(distance_up_to(5.0, np.zeros((4, 5, 6), dtype=bool), (1.0, 1.0, 1.0))).all()
    assert distance_up_to(5.0, np.zeros((0, 5, 6), dtype=bool), (1.0, 1.0, 1.0)).shape == (0, 5, 6)
