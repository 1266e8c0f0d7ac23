"""Stored numbers as the values that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from custom.inputs import put


@pytest.mark.parametrize("stored", ["i1", "u1", "<i2", ">i2", "<u2", ">u2", "<i4", ">u4"])
@pytest.mark.parametrize("intercept", [-32767, -1024, 0, 1, 32767])
@pytest.mark.parametrize("beyond", [0, -1, 1])
def test_a_plane_keeps_its_values_and_the_volume_its_type_while_they_fit(stored, intercept, beyond):
    limits = np.iinfo(stored)
    low = max(limits.min, -(2**15) - intercept + min(beyond, 0))
    high = min(limits.max, 2**15 - 1 - intercept + max(beyond, 0))
    plane = np.random.default_rng(0).integers(low, max(low, high), (3, 4), endpoint=True)
    plane[0, :2] = low, max(low, high)
    volume = put(np.zeros((2, 3, 4), dtype=np.int16), 1, plane.astype(stored), 1.0, float(intercept))
    values = plane + intercept
    np.testing.assert_array_equal(volume[1], values)
    assert (volume.dtype == np.int16) == (values.min() >= -(2**15) and values.max() < 2**15)
