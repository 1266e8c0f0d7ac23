"""Arrays that lie in the file of the process that asked for them."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from custom.runtime import shared_arrays

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="files in memory are Linux's")


@pytest.fixture
def descriptor(monkeypatch):
    for name in ("_files", "_placed"):
        monkeypatch.setattr(shared_arrays, name, [])
    found = os.memfd_create("values", os.MFD_ALLOW_SEALING)
    yield found
    os.close(found)


def _content(descriptor: int) -> np.ndarray:
    return np.frombuffer(os.pread(descriptor, 2**20, 0), dtype=np.int16)


def test_an_array_is_in_the_file_at_once(descriptor):
    shared_arrays.wait_in(descriptor)
    values = shared_arrays.empty((2, 3, 4), np.dtype(np.int16))
    values[:] = np.arange(24).reshape(2, 3, 4)
    assert shared_arrays.is_shared(values) and not shared_arrays.is_shared(values[:1])
    np.testing.assert_array_equal(_content(descriptor), np.arange(24))
    shared_arrays.put_into(os.dup(descriptor), values)
    np.testing.assert_array_equal(_content(descriptor), np.arange(24))


def test_only_the_first_waits_for_it_and_another_takes_its_place(descriptor):
    shared_arrays.wait_in(descriptor)
    first, second = (shared_arrays.empty((4, 5), np.dtype(np.int16)) for _ in range(2))
    first[:], second[:] = 1, 2
    assert not shared_arrays.is_shared(second)
    shared_arrays.put_into(os.dup(descriptor), second[:2])
    np.testing.assert_array_equal(_content(descriptor), [2] * 10)


def test_a_file_on_a_disk_does_not_wait(descriptor, tmp_path):
    with open(tmp_path / "values", "w+b") as file:
        shared_arrays.wait_in(file.fileno())
        assert not shared_arrays.is_shared(shared_arrays.empty((2, 2), np.dtype(np.int16)))
        assert os.fstat(file.fileno()).st_size == 0
