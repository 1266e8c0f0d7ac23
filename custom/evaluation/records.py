"""The measures of many cases: as files, and as tables to print."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from os import PathLike
from pathlib import Path
from types import NoneType
from typing import Any

from ..chambers import STRUCTURES
from ..inputs import InputError
from ..runtime.small_files import read_json
from ..text import cell, printable
from .measures import FAILED, MEASURED, MEASURES, UNLABELLED, Measures
from .statistics import Estimate, estimate, known_values

WHOLE_CASE = "case"
"""Stands for a structure where a number belongs to all chambers of a case."""


def encode_csv(rows: Sequence[Measures]) -> bytes:
    """A line a row, under the names of their fields; what is not known is empty."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [field.name for field in fields(Measures)])
    writer.writeheader()
    writer.writerows({field: cell(value) for field, value in asdict(row).items()} for row in rows)
    return stream.getvalue().encode()


def encode_json(rows: Sequence[Measures]) -> bytes:
    """How the cases fared, the numbers over them, and the rows: what `read_metrics` reads."""
    whole = {
        **fates(rows),
        "summary": {
            structure: {key: _known(found) for key, found in numbers.items()}
            for structure, numbers in summarise(rows).items()
        },
        "rows": [asdict(row) for row in rows],
    }
    return json.dumps(whole, indent=2).encode()


def read_metrics(path: str | PathLike) -> list[Measures]:
    """The rows of a `metrics.json`.

    Raises InputError where the file is not one.
    """
    path = Path(path)
    try:
        rows = [Measures(**row) for row in read_json(path)["rows"]]
        if not all(_is_sound(row) for row in rows):
            raise TypeError("a value of another kind")
    except (ValueError, KeyError, TypeError) as error:
        shown = printable(str(path))
        raise InputError(f"{shown} is no metrics.json that an evaluation wrote ({type(error).__name__})") from error
    return rows


def _is_sound(row: Measures) -> bool:
    """Whether each field is of its kind: those without a default are texts, as the reason is, all others numbers."""
    texts = (row.case, row.structure, row.status, row.reason)
    numbers = list(asdict(row).values())[len(texts) :]
    known = row.structure in STRUCTURES and row.status in (MEASURED, FAILED, UNLABELLED)
    return (
        all(isinstance(text, str) for text in texts)
        and known
        and all(isinstance(number, (int, float, NoneType)) for number in numbers)
    )


def fates(rows: Sequence[Measures]) -> dict[str, Any]:
    """How many cases there are, and were measured; which failed and which have no truth, with the reason.

    A case that failed in one chamber failed; one that lacks the truth of one chamber lacks it.
    """
    cases = dict.fromkeys(row.case for row in rows)
    found = {
        status: [
            {"case": case, "reason": reasons[0]}
            for case in cases
            if (reasons := [row.reason for row in rows if row.case == case and row.status == status])
        ]
        for status in (FAILED, UNLABELLED)
    }
    failed = {entry["case"] for entry in found[FAILED]}
    found[UNLABELLED] = [entry for entry in found[UNLABELLED] if entry["case"] not in failed]
    measured = len(cases) - len(found[FAILED]) - len(found[UNLABELLED])
    return {"cases": len(cases), MEASURED: measured, **found}


def summarise(rows: Sequence[Measures]) -> dict[str, dict[str, Estimate | None]]:
    """Of each structure, and of `WHOLE_CASE`, every number of `MEASURES` over the cases."""
    structures = dict.fromkeys(row.structure for row in rows)
    own = {structure: [row for row in rows if row.structure == structure] for structure in structures}
    summary = {
        structure: {m.key: estimate(known_values(chosen, m)) for m in MEASURES if not m.by_case}
        for structure, chosen in own.items()
    }
    return {**summary, WHOLE_CASE: {m.key: estimate(known_values(rows, m)) for m in MEASURES if m.by_case}}


def summary_table(rows: Sequence[Measures]) -> str:
    """The summary as Markdown: how the cases fared, then a line a structure and number."""
    told, titles = fates(rows), {measure.key: measure for measure in MEASURES}
    lines = [f"{told[MEASURED]} of {told['cases']} cases measured, {len(told[FAILED])} failed, "
             f"{len(told[UNLABELLED])} without truth."]  # fmt: skip
    lines += [f"- {entry['case']}: {entry['reason']}" for status in (FAILED, UNLABELLED) for entry in told[status]]
    lines += ["", "| chamber | measure | cases | mean | 95 % interval | SD | median | smallest | largest |"]
    lines += ["|" + "---|" * 9]
    for structure, numbers in summarise(rows).items():
        for key, found in numbers.items():
            if found is not None:
                measure = titles[key]
                shown = [f"{value:.{measure.digits}f}" for value in found[1:]]
                mean, low, high, *others = shown
                cells = [structure, measure.title, found.n, mean, f"{low} to {high}", *others]
                lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def case_table(rows: Sequence[Measures]) -> str:
    """The rows as Markdown, those that were not measured with the reason."""
    lines = [
        "| case | chamber | volume mL | true mL | Dice | ASSD mm | HD95 mm | closed, outward |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row.status != MEASURED:
            lines.append(f"| {row.case} | {row.structure} | {row.status}: {row.reason} | | | | | |")
            continue
        lines.append(
            f"| {row.case} | {row.structure} | {row.volume_ml:.1f} | {row.true_volume_ml:.1f} | {row.dice:.3f} "
            f"| {row.assd_mm:.2f} | {row.hd95_mm:.2f} | {'yes' if row.watertight else 'NO'} |"
        )
    return "\n".join(lines)


def _known(found: Estimate | None) -> dict[str, float | None] | None:
    """As JSON can hold it: no NaN."""
    if found is None:
        return None
    return {key: value if math.isfinite(value) else None for key, value in found._asdict().items()}
