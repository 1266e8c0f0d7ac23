"""The bundle's inference, loaded once, on one study after the other: what the command line does with a folder."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pydicom
from monai.data import DataLoader

from custom.inference import CaseDataset, CaseEvaluator, find_cases, single
from custom.inputs import InputError
from custom.prediction import read_workflow

from .config import TRUSTS

PASSING = {"memory", "gpu_memory", "reader_time", "disk_full", "unwritable", "outputs_gone", "folder_gone", "error"}
"""Outcomes that another attempt may not have."""
RESERVED = {"input", "output_dir", "dataset_dir", "dicom_output", "skip_existing", "overwrite", "series_uid"}
"""Keys of inference that are the node's to set."""


class Failure(Exception):
    """A study gave nothing that may be sent; `passing` if another attempt may."""

    def __init__(self, reason: str, passing: bool) -> None:
        super().__init__(reason)
        self.passing = passing


class Made(NamedTuple):
    """What a study gave."""

    files: dict[str, Path]
    """SOP Instance UID to DICOM file: all that `dicom_output` writes."""
    seconds: float
    trust: dict[str, str]
    """Of each chamber."""


class Workflow:
    """`inference.json` with its networks in memory.

    Args:
        overrides: keys of `inference.json`.
        least_trust: of `TRUSTS`: what is trusted less is not sent.

    Raises InputError for a key or value that cannot be.
    """

    def __init__(self, overrides: Mapping[str, Any], least_trust: str) -> None:
        taken = RESERVED & set(overrides)
        if taken:
            raise InputError(f"inference: {', '.join(sorted(taken))}: set by the node itself")
        parser = read_workflow({"formats": "stl", **overrides, "dicom_output": True})
        parser.get_parsed_content("load_weights")
        keys = ("preprocessing", "outputs", "device", "network", "inferer", "postprocessing")
        self._preprocessing, self._outputs, *_ = parts = [parser.get_parsed_content(key) for key in keys]
        self._parts = dict(zip(keys[2:], parts[2:], strict=True))
        self._least = TRUSTS.index(least_trust)

    def run(self, study: Path, work: Path) -> Made | None:
        """The results of the study in a folder, written below `work`, which is emptied; None if a signal came before.

        Raises `Failure`.
        """
        began = time.monotonic()
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(mode=0o700, parents=True)
        try:
            cases = find_cases(study, work)
        except InputError as error:
            raise Failure(str(error), passing=False) from error
        if len(cases) != 1:
            raise Failure("the study holds no DICOM that can be read", passing=False)
        loader = DataLoader(
            CaseDataset(cases, self._preprocessing, self._outputs), batch_size=1, num_workers=0, collate_fn=single
        )
        evaluator = CaseEvaluator(val_data_loader=loader, **self._parts)
        evaluator.run()
        if not evaluator.rows:
            return None
        (row,) = evaluator.rows
        if row["status"] != "done":
            raise Failure(f"{row['outcome']}: {row['reason']}", row["outcome"] in PASSING)
        report = json.loads((work / f"{cases[0]['name']}_report.json").read_text())
        trust = {name: checks["trust"] for name, checks in report["structures"].items()}
        if any(TRUSTS.index(value) > self._least for value in trust.values()):
            raise Failure(f"not_trusted: {trust}; {'; '.join(report['warnings'])}", passing=False)
        files = {
            str(pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["SOPInstanceUID"]).SOPInstanceUID): path
            for path in sorted(work.glob("*.dcm"))
        }
        return Made(files, round(time.monotonic() - began, 3), trust)
