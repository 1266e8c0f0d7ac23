"""The ends of the command-line workflow: a wrong call exits with 2, a run with failed cases with 1."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from ..chambers import STRUCTURES
from ..inputs import InputError
from .cases import find_cases
from .evaluator import CaseEvaluator
from .mesh_files import ENCODERS
from .postprocessing import selected

logger = logging.getLogger(__name__)


def check_call(
    input: str | PathLike | Sequence[str | PathLike],
    output_dir: str | PathLike | None,
    structures: str | Sequence[str],
    formats: str | Sequence[str],
    checkpoint: str | PathLike,
    series_uid: str | None,
    hu_offset: float,
    force: bool,
) -> None:
    """Look at what the call names before anything heavy is loaded.

    Raises SystemExit with status 2, the reason logged, if an input, a structure, a format or the checkpoint is unknown,
    or a value is of the wrong kind.
    """
    try:
        selected(structures, STRUCTURES, "structures")
        selected(formats, tuple(ENCODERS), "formats")
        if not isinstance(force, bool):
            raise InputError(f"force: {force}; choose True or False")
        if isinstance(hu_offset, bool) or not isinstance(hu_offset, (int, float)):
            raise InputError(f"hu_offset: {hu_offset}; give a number")
        if not find_cases(input, output_dir, series_uid):
            raise InputError("no input given: set `input` to a CT file, a DICOM folder, a folder of these or a list")
        if not Path(checkpoint).is_file():
            raise InputError(f"no weights at {checkpoint}: train them, fetch the release's, or set `checkpoint`")
    except InputError as error:
        logger.error("%s", error)
        sys.exit(2)


def conclude(evaluator: CaseEvaluator) -> None:
    """Name the cases that failed. Raises SystemExit with status 1 if there are any."""
    if evaluator.failures:
        logger.error("%d of %d cases failed:", len(evaluator.failures), len(evaluator.data_loader))
        for failure in evaluator.failures:
            logger.error("  %s: %s", failure.name, failure.reason)
        sys.exit(1)
