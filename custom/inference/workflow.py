"""The ends of the command-line workflow: a wrong call exits with 2, a run with failed cases with 1."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from os import PathLike

from ..inputs import InputError
from ..reading.discovery import find_cases
from ..runtime.interruption import Interrupted, held, interrupted, settle
from ..runtime.ranks import gather, leave_ranks, rank
from .evaluator import CaseEvaluator
from .writing.collisions import check_collisions
from .writing.files import check_writable
from .writing.outputs import Outputs
from .writing.report import make_failure
from .writing.summary import Row, row_of, summary_folder, write_summary

logger = logging.getLogger(__name__)


def check_cases(
    input: str | PathLike | Sequence[str | PathLike],
    output_dir: str | PathLike | None,
    series_uid: str | None,
    outputs: Outputs,
    inputs: Sequence[str | PathLike] = (),
    study: bool = False,
) -> None:
    """Look at what the call names before anything heavy is loaded; `inputs` are files that it reads besides.

    `study` is as `find_cases` takes it.

    Raises InputError if there is no input, one is unknown, a folder for outputs cannot be written, or an output would
    take the place of an input.
    """
    cases = find_cases(input, output_dir, series_uid, study)
    if not cases:
        raise InputError("no input given: set `input` to a CT file, a DICOM folder, a folder of these or a list")
    for folder in {case["folder"]: None for case in cases}:
        check_writable(folder)
    check_collisions(cases, outputs, output_dir, inputs)


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
