"""The last step of a case: its report, its picture, its files."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from os import PathLike
from typing import Any

import torch
from monai.transforms import Transform

from ...runtime.timing import timed
from ...text import printable
from ..record import Record
from .outputs import Outputs
from .preview import render_preview
from .report import Run, make_report

logger = logging.getLogger(__name__)


class SaveCased(Transform):
    """Write a case's meshes, label map, report and preview, all or none; the record gets its `report`.

    Args:
        outputs: which files, and how they are encoded.
        weights: the weights' file, whose hash goes into the report.
        device, amp: what the network runs with, for the report.
    """

    def __init__(
        self,
        outputs: Outputs,
        weights: str | PathLike,
        device: torch.device | str,
        amp: bool,
    ) -> None:
        self.outputs = outputs
        self.run = Run(weights=weights, device=device, amp=amp)

    def __call__(self, data: Record) -> Record:
        record = data.copy()
        seconds = record["seconds"]
        report = make_report(record, self.run)
        with timed(seconds, "preview"):
            preview = preview_of(record, report)
        with timed(seconds, "files"):
            files = self.outputs.encode(record, report, preview)
        return self.write(record, report, files, seconds)

    def write(
        self, record: Record, report: dict[str, Any], files: Mapping[str, bytes], seconds: Mapping[str, float]
    ) -> Record:
        """The files and the report, which now tells of them and of the seconds; the record gets it."""
        report["files"] = sorted(printable(name) for name in files)
        report["seconds"] = {part: round(value, 3) for part, value in seconds.items()}
        case = {"name": record["name"], "folder": record["folder"], "image": record["image_file"]}
        self.outputs.write(case, report, files)
        return {**record, "report": report}


def preview_of(record: Record, report: dict[str, Any]) -> bytes | None:
    """The picture; None, and a warning in the report, where it cannot be drawn: no picture is worth a case."""
    try:
        return render_preview(record["image"], record["meshes"], report)
    except Exception as error:  # whatever a font or a shape causes
        logger.debug("%s", error, exc_info=error)
        report["warnings"].append("there is no preview: it could not be drawn")
        report["outcomes"].append("no_preview")
        return None
