"""The function of a beat as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..text import RESEARCH_ONLY, cell
from .volumes import UNUSABLE


def as_json(function: Mapping[str, Any]) -> bytes:
    """The report's `function`, see bundle/docs/function.md, as a file."""
    return json.dumps({**function, "use": RESEARCH_ONLY}, indent=2).encode()


def as_csv(case: str, percents: Sequence[float], curves: Mapping[str, Mapping[str, Sequence[Any]]]) -> bytes:
    """A row a phase: case, percent of the cycle, and each chamber's volume in mL, empty where not to be used, and
    trust."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(["case", "percent", *(f"{name}_{column}" for name in curves for column in ("ml", "trust"))])
    for index, percent in enumerate(percents):
        row: list[Any] = [cell(case), percent]
        for curve in curves.values():
            trust = curve["trust"][index]
            row += ["" if trust == UNUSABLE else curve["volume_ml"][index], trust]
        writer.writerow(row)
    return stream.getvalue().encode()
