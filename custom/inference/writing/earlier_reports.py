"""The reports that earlier runs left, as far as they can be trusted: anybody may have edited or damaged them since."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from types import NoneType
from typing import Any

from ...runtime.small_files import is_foreign, read_json
from ...text import printable

REPORT_ENDING = "_report.json"
KEYS = ("case", "status", "files")
"""One of which is in every report."""
NO_OBJECT = ""
"""Stands for the values of what should have been an object; as one of them it is never right."""


def read_report(folder: str | PathLike, case: str) -> dict[str, Any]:
    """The report that an earlier run left of a case; empty where there is none, or one that is not as reports are."""
    try:
        return parse_report(Path(folder) / f"{case}{REPORT_ENDING}", case)
    except ValueError:
        return {}


def is_foreign_report(path: Path) -> bool:
    """Whether what stands at `path`, in a report's place, is somebody else's: see `is_foreign`."""
    return is_foreign(path, KEYS)


def parse_report(path: Path, case: str) -> dict[str, Any]:
    """The report of this case that stands at `path`.

    Raises ValueError where there is none, or anything that is read of reports is not as it must be.
    """
    report = read_json(path)
    if not isinstance(report, dict):
        raise ValueError("no object")
    fields = {
        "case": report.get("case") == printable(case),
        "status": report.get("status") in ("done", "failed"),
        "texts": _are(str, [report.get(key, "") for key in ("outcome", "reason")]),
        "lists": all(_are(str, report.get(key, [])) for key in ("files", "warnings", "forced")),
        "seconds": _are(float, _values(report.get("seconds", {}))),
        "memory": _are(float, [report.get("peak_memory_mib")]),
        "structures": all(
            isinstance(checks, dict)
            and _are(float, [checks.get(key) for key in ("volume_ml", "doubt")])
            and _are(str, [checks.get("trust", "")])
            for checks in _values(report.get("structures", {}))
        ),
    }
    if not all(fields.values()):
        raise ValueError("not as a report is")
    return report


def _values(found: Any) -> list[Any]:
    return list(found.values()) if isinstance(found, dict) else [NO_OBJECT]


def _are(kind: type, found: Any) -> bool:
    """Whether a list holds but texts, or but numbers and what is not known."""
    allowed = (int, float, NoneType) if kind is float else kind
    return isinstance(found, list) and all(isinstance(value, allowed) for value in found)
