"""Outputs that would take the place of inputs, seen before anything is loaded."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path

from ...inputs import InputError
from ...reading.discovery import is_case, series_folder
from .outputs import Outputs
from .summary import check_summary, summary_folder

Case = Mapping[str, str]


def check_collisions(
    cases: Sequence[Case],
    outputs: Outputs,
    output_dir: str | PathLike | None = None,
    inputs: Iterable[str | PathLike] = (),
) -> None:
    """Refuse, with InputError, a call that would write over its own inputs, or a summary over another program's file.

    A file is the same by whatever path: through links, and whatever the system makes of letters' case.

    Args:
        cases: of `find_cases`.
        outputs: the files that each gets.
        output_dir: of the call, for the summary.
        inputs: files that it reads besides: label maps.
    """
    images = [Path(case["image"]) for case in cases]
    files = {_identity(path) for path in (*images, *map(Path, inputs))} - {None}
    folders = {_identity(series_folder(path)) for path in images if not (path.is_file() and is_case(path))}
    for folder in {case["folder"]: None for case in cases}:
        place = Path(folder).resolve()
        if any(_identity(parent) in folders for parent in (place, *place.parents) if parent.exists()):
            raise InputError(f"the outputs would come into {place.name}, among the images: set another `output_dir`")
    for case in cases:
        for name in outputs.names(case["name"]):
            if _identity(Path(case["folder"], name)) in files:
                raise InputError(
                    f"{name}, an output of {case['name']}, is an input of this call: rename it, or set another "
                    "`output_dir`"
                )
    folder = summary_folder(cases, output_dir)
    if folder is not None:
        check_summary(folder, outputs.overwrite)


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from all others; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
