"""The ends of the command-line workflow: a wrong call exits with 2, a run with failed cases with 1."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from os import PathLike

from ..inputs import InputError
from .cases import find_cases
from .evaluator import CaseEvaluator
from .files import check_writable
from .ranks import gather, leave_ranks, rank
from .summary import summary_folder, write_summary

logger = logging.getLogger(__name__)


def check_cases(
    input: str | PathLike | Sequence[str | PathLike], output_dir: str | PathLike | None, series_uid: str | None
) -> None:
    """Look at what the call names before anything heavy is loaded.

    Raises InputError if there is no input, one is unknown, or a folder for outputs
    cannot be written.
    """
    cases = find_cases(input, output_dir, series_uid)
    if not cases:
        raise InputError("no input given: set `input` to a CT file, a DICOM folder, a folder of these or a list")
    for folder in {case["folder"]: None for case in cases}:
        check_writable(folder)


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
