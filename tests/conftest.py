"""What tests of several folders share; this folder is on the path of them all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np
import pytest
from signals import usual_signals
from stand_in import OBLIQUE

from custom.runtime import interruption

LONGEST = ("test_pretended_cuda.py", "test_docs.py", "test_resuming.py", "test_training.py", "test_workflow.py")
"""Files that take minutes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: the last to end would leave the other process idle.

    pytest-xdist keeps the order with `--no-loadscope-reorder`.
    """
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    """A workflow that a test does not finish leaves its handlers of signals to no other test."""
    usual_signals()
    yield
    interruption.forget()


@pytest.fixture
def volume() -> np.ndarray:
    """A CT (64, 60, 48) int16 in HU: a soft ball in air, brighter along the first axis, noisy."""
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, size) for size in (64, 60, 48)), indexing="ij"))
    noise = np.random.default_rng(0).normal(0, 10, grid.shape[1:])
    return np.where((grid**2).sum(axis=0) < 0.8, 100 + 200 * grid[0] + noise, -1000).astype(np.int16)


@pytest.fixture
def write_nifti():
    def write(path: Path, volume: np.ndarray, affine: np.ndarray = OBLIQUE) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(volume, affine), path)
        return path

    return write
