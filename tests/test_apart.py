"""Arrays from another process, which may abort, hang, or want too much."""

from __future__ import annotations

import time

import numpy as np
import pytest

from custom import apart

PROGRAM = """
import os, time
import numpy as np

def several(count):
    os.write(1, b"native code prints this")
    for number in range(count):
        yield np.full((number, 2), number, dtype=np.int16)

def hang(seconds):
    yield np.zeros(1)
    time.sleep(seconds)

def abort(_):
    yield np.zeros(1)
    os.abort()

def claim(size):
    yield np.zeros(1)
    yield np.ones(size)
"""


@pytest.fixture
def program(tmp_path) -> str:
    (tmp_path / "program.py").write_text(PROGRAM)
    return str(tmp_path / "program.py")


def test_arrays_come_as_they_were_made(program):
    arrays = list(apart.arrays_apart(program, "several", 3))
    assert [array.shape for array in arrays] == [(0, 2), (1, 2), (2, 2)]
    assert all(array.dtype == np.int16 and (array == number).all() for number, array in enumerate(arrays))


@pytest.mark.parametrize(("name", "argument"), [("abort", None), ("claim", 2**30), ("no such name", 0)])
def test_a_process_that_dies_costs_only_itself(program, name, argument):
    with pytest.raises(RuntimeError, match="gave up"):
        list(apart.arrays_apart(program, name, argument))


def test_a_process_that_hangs_is_stopped(program, monkeypatch):
    arrays = apart.arrays_apart(program, "hang", 1000)
    next(arrays)
    monkeypatch.setattr(apart, "LONGEST", 0.2)
    start = time.monotonic()
    with pytest.raises(TimeoutError, match="longer than 0 s"):
        list(apart.arrays_apart(program, "hang", 1000))
    arrays.close()
    assert time.monotonic() - start < 100
