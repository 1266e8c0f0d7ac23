"""What became of the cases of a call, one row a case.

================ ======================================================================================================
column           value
================ ======================================================================================================
case             its name
status           "done", "skipped" (an earlier run had done it), "failed", or "not done" (the run was ended before)
outcome, reason  of one that failed or was not done: the refusal's short name, and the sentence
LA_ml, LV_ml     volumes; empty where not asked for; further structures follow where a case has them
LA_doubt, ...    doubt of each chamber, 0 to 1, and after it LA_trust, ...: "ok", "check" or "do not use"
mitral_..., ...  measurements, of `MEASUREMENTS`; empty where not found, or not to be trusted; indices where the body
                 surface is known
warnings         sentences, joined by "; "
forced           short names of refusals that `force` overrode, joined by "; "
seconds          wall-clock time of the case, of the earlier run where it was skipped
================ ======================================================================================================
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

from ...chambers import LEFT_HEART, STRUCTURES
from ...text import cell
from .files import check_place, told_by, write_together
from .permissions import permissions_of

NAME = "summary"
STATUSES = ("done", "skipped", "failed", "not done")
KEYS = {"ml": "volume_ml", "doubt": "doubt", "trust": "trust"}
"""Columns of each chamber, and the report's keys that fill them."""
MEASUREMENTS = {
    "mitral_annulus_area_cm2": "mitral_annulus_area",
    "aortic_annulus_area_derived_diameter_mm": "aortic_annulus_area_derived_diameter",
    "lv_long_axis_mm": "lv_long_axis",
    "lv_sphericity": "lv_sphericity",
    "la_volume_index_ml_m2": "la_volume_index",
    "lv_volume_index_ml_m2": "lv_volume_index",
}
"""Columns, and the report's measurements that fill them."""

_FILES = (f"{NAME}.csv", f"{NAME}.json")
_OURS = told_by(("cases",), _FILES)

Row = dict[str, Any]


def row_of(report: Mapping[str, Any], skipped: bool = False) -> Row:
    """The row of a case, from its report."""
    structures = report.get("structures", {})
    return {
        "case": report["case"],
        "status": "skipped" if skipped else report["status"],
        "outcome": report.get("outcome", ""),
        "reason": report.get("reason", ""),
        **{
            f"{name}_{column}": structures.get(name, {}).get(key)
            for column, key in KEYS.items()
            for name in STRUCTURES
            if name in LEFT_HEART or name in structures
        },
        **{column: report.get("measurements", {}).get(name, {}).get("value") for column, name in MEASUREMENTS.items()},
        "warnings": "; ".join(report.get("warnings", [])),
        "forced": "; ".join(report.get("forced", [])),
        "seconds": round(sum(report.get("seconds", {}).values()), 3),
    }


def _columns(rows: Sequence[Row]) -> list[str]:
    """Those of the left heart, and of other structures where a row has them."""
    measured = [f"{name}_{column}" for column in KEYS for name in STRUCTURES]
    kept = [f"{name}_{column}" for column in KEYS for name in LEFT_HEART]
    there = {column for row in rows for column in row}
    measured = [column for column in measured if column in kept or column in there]
    return ["case", "status", "outcome", "reason", *measured, *MEASUREMENTS, "warnings", "forced", "seconds"]


def summary_folder(cases: Sequence[Mapping[str, str]], output_dir: str | PathLike | None) -> str | None:
    """Where the summary of a call goes: `output_dir`, or the one folder of several cases; None where there is none."""
    folders = {case["folder"] for case in cases}
    if output_dir or (len(cases) > 1 and len(folders) == 1):
        return str(output_dir or folders.pop())
    return None


def check_summary(folder: str | PathLike, overwrite: bool = False) -> None:
    """Refuse, with InputError, a folder in which a summary would take the place of somebody else's file."""
    check_place(folder, NAME, _FILES, _OURS, overwrite)


def write_summary(
    folder: str | PathLike, rows: Sequence[Row], cases: Sequence[Mapping[str, str]], overwrite: bool = False
) -> None:
    """Write `summary.csv` and `summary.json` in place of an earlier call's; nobody may read them who may not read all
    `cases`.

    Raises InputError where the folder cannot be written, or somebody else's file stands there.
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, _columns(rows))
    writer.writeheader()
    writer.writerows({column: cell(value) for column, value in row.items()} for row in rows)
    counts = Counter(row["status"] for row in rows)
    whole = {**{status: counts[status] for status in STATUSES}, "cases": list(rows)}
    contents = stream.getvalue().encode(), json.dumps(whole, indent=2).encode()
    permissions = permissions_of(case["image"] for case in cases)
    write_together(folder, NAME, dict(zip(_FILES, contents, strict=True)), _OURS, permissions, overwrite)
