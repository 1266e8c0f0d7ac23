"""The end of the evaluation workflow: measures, pictures, and a summary."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..chambers import ENCLOSED
from ..inference.evaluator import CaseEvaluator
from ..inference.workflow import summarise
from ..inference.writing.files import make_folder, told_by, write_together
from ..inference.writing.mesh_files import read_stl
from ..inference.writing.outputs import Outputs
from ..inference.writing.permissions import permissions_of
from ..inference.writing.preview import as_png, shorten
from ..inputs import InputError
from ..mesh import Mesh
from ..metrics import label_surface
from ..runtime.interruption import interrupted, settle
from ..runtime.ranks import gather, leave_ranks, rank, share
from ..text import printable
from .cases import Truth, read_label
from .figures import box_plots, overlay
from .measures import FAILED, MEASURED, UNLABELLED, Measures, measure_case
from .records import encode_csv, encode_json, fates, summary_table
from .submission import write_submission

logger = logging.getLogger(__name__)

NAME = "metrics"
PICTURES = ("worst", "median", "best")
_OURS = told_by(
    ("rows",),
    ("boxplot.png", *(f"overlay_{which}.png" for which in PICTURES), f"{NAME}.csv", f"{NAME}.json"),
)

Case = Mapping[str, str]
Load = Callable[[dict[str, str]], Mapping[str, Any]]


def conclude(
    evaluator: CaseEvaluator,
    cases: Sequence[Case],
    truth: Truth,
    outputs: Outputs,
    output_dir: str | PathLike,
    load: Load,
    window: Sequence[float],
    submission_values: Mapping[str, int] | None,
) -> None:
    """Conclude the inference, measure its meshes against the labels, write and print what was found.

    `output_dir` gets `metrics.csv`, `metrics.json`, `boxplot.png`, and `overlay_worst.png`, `overlay_median.png` and
    `overlay_best.png`: the cases of lowest, middle and highest mean Dice.

    Args:
        evaluator: has run.
        cases: of `find_cases`, of all processes.
        truth: their label maps.
        outputs: tells the structures.
        output_dir: what inference wrote into.
        load: reads an image (`LoadCTd`), for the pictures.
        window: HU that are black and white in them.
        submission_values: value of each structure in label maps for MM-WHS, which are then written, and need no truth;
            None for none.

    Raises SystemExit with status 1 if a case failed, lacks its truth (unless for a submission), or something cannot be
    written, and `Interrupted` if a signal ends the run: what is not measured by then is not.
    """
    outcomes, good = summarise(evaluator, cases, output_dir)
    if interrupted():
        settle()
    measured = [
        measure_case(
            case["name"],
            case["folder"],
            truth.label_of(case["image"]),
            outputs.structures,
            truth.label_values,
            failure=outcome["reason"],
        )
        for case, outcome in tqdm(
            share(list(zip(cases, outcomes, strict=True))),
            desc="measuring",
            unit="case",
            disable=True if rank() else None,
        )
    ]
    gathered = gather(NAME, measured, len(cases))
    if interrupted():
        settle()
    rows = [row for rows_of_case in gathered for row in rows_of_case]
    if rank() == 0:
        permissions = permissions_of(path for case in cases for path in _read_of(case, truth))
        try:
            if submission_values is not None:
                for case, outcome in zip(cases, outcomes, strict=True):
                    if not outcome["reason"]:
                        write_submission(
                            case["name"], case["folder"], submission_values, permissions, outputs.overwrite
                        )
            files = draw(rows, cases, truth, load, window)
            files |= {f"{NAME}.csv": encode_csv(rows), f"{NAME}.json": encode_json(rows)}
            make_folder(output_dir, permissions)
            write_together(output_dir, NAME, files, _OURS, permissions, outputs.overwrite)
        except InputError as error:
            logger.error("the evaluation could not be written: %s", error)
            good = False
        fate = fates(rows)
        good &= not fate[FAILED] and (submission_values is not None or not fate[UNLABELLED])
        print(summary_table(rows))
    leave_ranks()
    settle()
    if not good:
        sys.exit(1)


def _read_of(case: Case, truth: Truth) -> list[str]:
    """The files that the measures of a case are made of."""
    label = truth.label_of(case["image"])
    return [case["image"], *([label] if label is not None else ())]


def draw(
    rows: Sequence[Measures], cases: Sequence[Case], truth: Truth, load: Load, window: Sequence[float]
) -> dict[str, bytes]:
    """Name to content of the pictures, as `conclude` says; none where nothing was measured, or that cannot be drawn."""
    chosen = chosen_cases(rows)
    if not chosen:
        return {}
    by_name = {printable(case["name"]): case for case in cases}

    def draw_overlay(which: str, name: str) -> bytes:
        own = [row for row in rows if row.case == name]
        scores = ", ".join(f"{row.structure} {row.dice:.3f}" for row in own)
        title = f"{which}: {shorten(name)}, Dice {scores}"
        return _overlay(by_name[name], [row.structure for row in own], truth, load, window, title)

    pictures = {"boxplot.png": lambda: as_png(box_plots({"": rows}))}
    pictures |= {f"overlay_{which}.png": partial(draw_overlay, which, name) for which, name in chosen.items()}
    files = {}
    for name, make in pictures.items():
        try:
            files[name] = make()
        except Exception as error:  # no picture is worth an evaluation
            logger.warning("%s could not be drawn (%s)", name, type(error).__name__)
    return files


def chosen_cases(rows: Sequence[Measures]) -> dict[str, str]:
    """The `worst`, `median` and `best` case by mean Dice, of those measured in all chambers; empty where there is none.

    Of an even number of cases, `median` is the better of the middle two.
    """
    by_case: dict[str, list[Measures]] = {}
    for row in rows:
        by_case.setdefault(row.case, []).append(row)
    scores = {
        case: np.mean([row.dice for row in own])
        for case, own in by_case.items()
        if all(row.status == MEASURED for row in own)
    }
    order = sorted(scores, key=lambda case: (scores[case], case))
    return dict(zip(PICTURES, (order[0], order[len(order) // 2], order[-1]), strict=True)) if order else {}


def _overlay(
    case: Case, structures: Sequence[str], truth: Truth, load: Load, window: Sequence[float], title: str
) -> bytes:
    image = load({"image": case["image"]})["image"]
    classes, label_affine = read_label(truth.label_of(case["image"]), truth.label_values)
    true = [Mesh(name, *label_surface(np.isin(classes, ENCLOSED[name]), label_affine)) for name in structures]
    predicted = [read_stl(Path(case["folder"]) / f"{case['name']}_{name}.stl", name) for name in structures]
    values, affine = image.as_tensor()[0].numpy(), np.asarray(image.affine)
    return as_png(overlay(values, affine, true, predicted, title, window))
