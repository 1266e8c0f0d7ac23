"""The ends of the command-line workflow: a wrong call exits with 2, a run with failed cases with 1."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from math import isfinite
from os import PathLike
from pathlib import Path

from ..inputs import InputError
from ..interruption import Interrupted, heed_signals, held, interrupted, settle
from ..standard_streams import open_standard_streams
from .cases import find_cases
from .collisions import check_collisions
from .evaluator import CaseEvaluator
from .files import check_writable
from .outputs import Outputs
from .ranks import gather, leave_ranks, rank
from .report import make_failure
from .summary import Row, row_of, summary_folder, write_summary

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
    open_standard_streams()
    heed_signals()
    try:
        outputs = Outputs(structures, formats, dicom_output)
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
        for key, path in {"checkpoint": checkpoint, "locator_checkpoint": locator_checkpoint}.items():
            if not Path(path).is_file():
                raise InputError(f"no weights at {path}: train them, fetch the release's, or set `{key}`")
        for folder in {case["folder"]: None for case in cases}:
            check_writable(folder)
        check_collisions(cases, outputs, output_dir)
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
    """Write the summary of all processes' cases and name those that failed or were not done.

    Raises SystemExit with status 1 if a case failed or the summary cannot be written, and `Interrupted` if a signal has
    ended the run.
    """
    _, good = summarise(evaluator, cases, output_dir)
    leave_ranks()
    settle()
    if not good:
        sys.exit(1)


def summarise(
    evaluator: CaseEvaluator, cases: Sequence[Mapping[str, str]], output_dir: str | PathLike | None = None
) -> tuple[list[Row], bool]:
    """As `conclude`, before it parts from the other processes: the rows of all cases, and whether all is well."""
    with held():
        rows = gather("rows", evaluator.rows, len(cases))
        ended = interrupted()
        rows = [row or _not_done(case, ended) for row, case in zip(rows, cases, strict=True)]
        bad = {status: [row for row in rows if row["status"] == status] for status in ("failed", "not done")}
        good = not any(bad.values())
        folder = summary_folder(cases, output_dir)
        if rank() == 0 or ended:  # then the first process may be the one that is gone; the last to write knows most
            if folder is not None:
                try:
                    write_summary(folder, rows, cases, evaluator.outputs.overwrite)
                except InputError as error:
                    logger.error("no summary could be written: %s", error)
                    good = False
            for status, named in bad.items():
                if named:
                    logger.error("%d of %d cases %s:", len(named), len(rows), status)
                for row in named:
                    logger.error("  %s: %s", row["case"], row["reason"])
    return rows, good


def _not_done(case: Mapping[str, str], ended: Interrupted | None) -> Row:
    why = f"{ended.name} ended the run" if ended else "the process that it was for was ended"
    return row_of({**make_failure(case["name"], f"{why} before it was done", "interrupted"), "status": "not done"})
