"""The ends of the command-line workflow: a wrong call exits with 2, a run with failed cases with 1."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from math import isfinite
from os import PathLike
from pathlib import Path

from ..inputs import InputError
from .cases import find_cases
from .evaluator import CaseEvaluator
from .files import check_writable
from .outputs import Outputs
from .ranks import gather, leave_ranks, rank
from .summary import summary_folder, write_summary

logger = logging.getLogger(__name__)

MOST_TIMES = 3
"""That surfaces are subdivided: 163,842 vertices a chamber, edges of a third of a millimetre."""


def check_call(
    input: str | PathLike | Sequence[str | PathLike],
    output_dir: str | PathLike | None,
    structures: str | Sequence[str],
    formats: str | Sequence[str],
    checkpoint: str | PathLike,
    locator_checkpoint: str | PathLike,
    directions_checkpoint: str | PathLike,
    centre: Sequence[float] | None,
    fairing: int,
    subdivision: int,
    refinement: float,
    series_uid: str | None,
    hu_offset: float,
    force: bool,
    skip_existing: bool,
    dicom_output: bool,
) -> None:
    """Look at what the call names before anything heavy is loaded.

    Raises SystemExit with status 2, the reason logged, if an input, a structure, a format or a checkpoint is unknown, a
    value is of the wrong kind, or a folder for outputs cannot be written.
    """
    try:
        Outputs(structures, formats)
        for key, value in {"force": force, "skip_existing": skip_existing, "dicom_output": dicom_output}.items():
            if not isinstance(value, bool):
                raise InputError(f"{key}: {value}; choose True or False")
        if isinstance(hu_offset, bool) or not isinstance(hu_offset, (int, float)):
            raise InputError(f"hu_offset: {hu_offset}; give a number")
        if isinstance(fairing, bool) or not isinstance(fairing, int) or fairing < 0:
            raise InputError(f"fairing: {fairing}; give a number of rounds, 0 for none")
        if isinstance(subdivision, bool) or not isinstance(subdivision, int) or not 0 <= subdivision <= MOST_TIMES:
            raise InputError(f"subdivision: {subdivision}; give a number of times from 0 to {MOST_TIMES}")
        if isinstance(refinement, bool) or not isinstance(refinement, (int, float)) or not 0 <= refinement <= 1:
            raise InputError(f"refinement: {refinement}; give a share from 0 to 1")
        if centre is not None and not _is_point(centre):
            raise InputError(f"centre: {centre}; give three numbers, RAS mm")
        cases = find_cases(input, output_dir, series_uid)
        if not cases:
            raise InputError("no input given: set `input` to a CT file, a DICOM folder, a folder of these or a list")
        weights = {
            "checkpoint": checkpoint,
            "locator_checkpoint": locator_checkpoint,
            "directions_checkpoint": directions_checkpoint,
        }
        for key, path in weights.items():
            if not Path(path).is_file():
                raise InputError(f"no weights at {path}: train them, fetch the release's, or set `{key}`")
        for folder in {case["folder"]: None for case in cases}:
            check_writable(folder)
    except InputError as error:
        logger.error("%s", error)
        sys.exit(2)


def _is_point(value: object) -> bool:
    """Whether a key's value is three finite numbers."""
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 3:
        return False
    return all(isinstance(part, (int, float)) and not isinstance(part, bool) and isfinite(part) for part in value)


def conclude(
    evaluator: CaseEvaluator, cases: Sequence[Mapping[str, str]], output_dir: str | PathLike | None = None
) -> None:
    """Write the summary of all processes' cases and name those that failed.

    Raises SystemExit with status 1 if a case failed or the summary cannot be written.
    """
    good = summarise(evaluator, cases, output_dir)
    leave_ranks()
    if not good:
        sys.exit(1)


def summarise(
    evaluator: CaseEvaluator, cases: Sequence[Mapping[str, str]], output_dir: str | PathLike | None = None
) -> bool:
    """As `conclude`, before it parts from the other processes: whether all is well."""
    rows = gather(evaluator.rows)
    failed = [row for row in rows if row["status"] == "failed"]
    good = not failed
    folder = summary_folder(cases, output_dir)
    if rank() == 0:
        if folder is not None:
            try:
                write_summary(folder, rows)
            except InputError as error:
                logger.error("no summary could be written: %s", error)
                good = False
        if failed:
            logger.error("%d of %d cases failed:", len(failed), len(rows))
            for row in failed:
                logger.error("  %s: %s", row["case"], row["reason"])
    return good
