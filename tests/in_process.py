"""Reading in the process that asks, for the tests that read many files: one of its own takes each half a second."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from os import PathLike
from typing import Any
from unittest import mock

import numpy as np

from custom.inputs import Findings


def run_here(
    function: Callable,
    path: PathLike,
    size: int,
    force: bool = False,
    scratch: bool = False,
    needs: Iterable[str] = (),
    **arguments: Any,
) -> tuple[dict[str, Any], np.ndarray]:
    """What stands for `custom.runtime.isolation.run_isolated`."""
    findings = Findings(force)
    facts, values = function(os.fspath(path), findings, **arguments)
    return {**facts, "warnings": findings.warnings, "forced": findings.forced}, values


def reading_here() -> AbstractContextManager:
    """A context in which no process is started for reading."""
    return mock.patch("custom.reading.loading.run_isolated", run_here)
