"""Work of which a forked process does the second half."""

from __future__ import annotations

import mmap
import os
import signal
from functools import partial

import numpy as np
import pytest

from custom.runtime.halves import in_halves


@pytest.fixture
def shared() -> np.ndarray:
    return np.frombuffer(mmap.mmap(-1, 8 * 8), dtype=np.int64)


def _fill(array: np.ndarray, good: bool, items: list[int]) -> bool:
    array[items] = [os.getpid()] * len(items)
    return good


@pytest.mark.parametrize("count", [1, 2, 7])
def test_two_processes_do_all(shared, count):
    in_halves(partial(_fill, shared, True), partial(_fill, shared, True), range(count))
    half = (count + 1) // 2
    assert (shared[:half] == os.getpid()).all() and not np.isin(shared[half:count], [0, os.getpid()]).any()
    assert not shared[count:].any()


def test_what_the_other_process_could_not_do_is_done_here(shared):
    def dies(items):
        os.kill(os.getpid(), signal.SIGKILL)

    def raises(items):
        raise ValueError("a damaged file")

    for there in (dies, raises, partial(_fill, shared, False)):
        shared[:] = 0
        in_halves(partial(_fill, shared, True), there, range(8))
        assert (shared == os.getpid()).all()


def test_of_both_halves_where_neither_is_seen_elsewhere(shared):
    seen = []

    def here(items):
        seen.extend(items)
        return False

    in_halves(here, partial(_fill, shared, True), range(5))
    assert seen == list(range(5))


def test_what_fails_here_is_raised_and_no_process_stays(shared, monkeypatch):
    forked, fork = [], os.fork
    monkeypatch.setattr(os, "fork", lambda: forked.append(fork()) or forked[-1])

    def here(items):
        raise ValueError("a damaged file")

    with pytest.raises(ValueError, match="a damaged file"):
        in_halves(here, partial(_fill, shared, True), range(4))
    with pytest.raises(ChildProcessError):
        os.waitpid(*forked, 0)
