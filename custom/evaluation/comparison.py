"""Several methods on the same cases: their means, and whether they differ from the first."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..chambers import STRUCTURES
from ..inference.writing.files import make_folder, write_together
from ..inference.writing.permissions import permissions_of
from ..inputs import InputError
from ..runtime.small_files import read_small
from ..text import cell
from .measures import FAILED, MEASURES, UNLABELLED, Measures
from .records import read_metrics
from .statistics import Estimate, estimate, holm, known_values, paired_p, values_of

TESTED = ("dice", "assd_mm", "hd95_mm")
"""Numbers in which methods are tested against the first."""
HEAD = ("method", "structure", "cases", "failed")
"""First columns of `methods.csv`, by which it is recognised."""


class MethodRow(NamedTuple):
    """One chamber of one method."""

    method: str
    structure: str
    cases: int
    """That have a truth."""
    failed: int
    estimates: dict[str, Estimate | None]
    """By the keys of `MEASURES`."""
    p_values: dict[str, float]
    """By the keys `TESTED`: that the method is as the first one, adjusted; empty for that one itself."""


def compare_methods(methods: Mapping[str, str | PathLike]) -> list[MethodRow]:
    """Compare evaluations of several methods.

    Each is tested against the first by Wilcoxon's signed-rank test over the cases. Of each number the p-values of all
    methods and chambers are adjusted together, by Holm's method. A case in which a method failed has overlap 0 and
    ranks last in distance; means of distances are over the cases that did not fail.

    Args:
        methods: name to its `metrics.json`; the first is the one the others are tested against.

    Raises:
        InputError: a file is no `metrics.json`, or the methods were not evaluated on the same cases and chambers.
    """
    measured = {name: _by_structure(read_metrics(path)) for name, path in methods.items()}
    first, *others = measured
    for name in others:
        if _cases(measured[name]) != _cases(measured[first]):
            raise InputError(f"{name} and {first} were not evaluated on the same cases: evaluate both on one folder")
    p_values = {name: {structure: {} for structure in measured[name]} for name in measured}
    for measure in (measure for measure in MEASURES if measure.key in TESTED):
        tests = [(name, structure) for name in others for structure in measured[name]]
        found = [
            paired_p(values_of(measured[name][structure], measure), values_of(measured[first][structure], measure))
            for name, structure in tests
        ]
        for (name, structure), p in zip(tests, holm(found), strict=True):
            p_values[name][structure][measure.key] = p
    return [
        MethodRow(
            method=name,
            structure=structure,
            cases=len(rows),
            failed=sum(row.status == FAILED for row in rows),
            estimates={measure.key: estimate(known_values(rows, measure)) for measure in MEASURES},
            p_values=p_values[name][structure],
        )
        for name, structures in measured.items()
        for structure, rows in structures.items()
    ]


def methods_table(rows: Sequence[MethodRow]) -> str:
    """The rows as Markdown: mean [95 % interval], and where tested the adjusted p-value."""
    titles = [measure.title + (", p" if measure.key in TESTED else "") for measure in MEASURES]
    lines = ["| " + " | ".join(["method", "chamber", "cases", "failed", *titles]) + " |"]
    lines += ["|" + "---|" * (4 + len(MEASURES))]
    for row in rows:
        cells = [row.method, row.structure, str(row.cases), str(row.failed)]
        for measure in MEASURES:
            found, p = row.estimates[measure.key], row.p_values.get(measure.key)
            if found is None:
                cells.append("–")
                continue
            mean, low, high = (f"{value:.{measure.digits}f}" for value in found[1:4])
            cells.append(f"{mean} [{low}, {high}]" + ("" if p is None else f", p {_shown(p)}"))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def methods_csv(rows: Sequence[MethodRow]) -> bytes:
    """The rows as CSV: of each number the mean, the ends of its interval, and where tested the adjusted p-value."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    ends = [(m.key, end) for m in MEASURES for end in ("mean", "low", "high", *(("p",) if m.key in TESTED else ()))]
    writer.writerow([*HEAD, *(f"{key}_{end}" for key, end in ends)])
    for row in rows:
        cells = [row.p_values.get(key) if end == "p" else getattr(row.estimates[key], end, None) for key, end in ends]
        writer.writerow([cell(row.method), *row[1:4], *cells])
    return stream.getvalue().encode()


def write_methods(folder: str | PathLike, table: bytes, figure: bytes, inputs: Iterable[str | PathLike]) -> None:
    """Write ``methods.csv`` and ``methods.png`` in place of an earlier call's; who may not read `inputs` may not read
    them.

    Raises InputError where the folder cannot be written, or somebody else's file stands there.
    """
    permissions = permissions_of(inputs)
    make_folder(folder, permissions)
    write_together(folder, "methods", {"methods.png": figure, "methods.csv": table}, _ours, permissions)


def _ours(path: Path) -> set[str]:
    try:
        known = read_small(path).startswith(",".join(HEAD).encode())
    except (OSError, ValueError):
        known = False
    return {"methods.png", "methods.csv"} if known else set()


def _by_structure(rows: Sequence[Measures]) -> dict[str, list[Measures]]:
    """Rows with a truth, by structure and sorted by case."""
    rows = sorted((row for row in rows if row.status != UNLABELLED), key=lambda row: row.case)
    return {
        structure: [row for row in rows if row.structure == structure]
        for structure in STRUCTURES
        if any(row.structure == structure for row in rows)
    }


def _cases(structures: Mapping[str, Sequence[Measures]]) -> dict[str, list[str]]:
    return {structure: [row.case for row in rows] for structure, rows in structures.items()}


def _shown(p: float) -> str:
    return "< 0.001" if p < 1e-3 else f"{np.round(p, 3):.3f}"
