"""Running the network over cases, so that a bad one never stops the others."""

from __future__ import annotations

import logging
import os
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from monai.data import Dataset
from monai.engines import SupervisedEvaluator
from monai.engines.utils import IterationEvents
from monai.utils import CommonKeys
from tqdm import tqdm

from ..inputs import InputError
from .report import write_failure
from .timing import timed

logger = logging.getLogger(__name__)


class Failure(NamedTuple):
    """A case that could not be done, and why."""

    name: str
    reason: str
    outcome: str
    """The short name of an `InputError`, "error" for anything else."""


class CaseDataset(Dataset):
    """Cases of `find_cases` as preprocessed records; one that cannot be had comes as `name`, `folder`, `error` and
    `outcome`.

    A good record holds `image` (the crop), `image_file`, `name`, `folder`, `reading` (of `LoadCTd`) and `seconds`.
    """

    def __getitem__(self, index: int) -> dict[str, Any]:
        case = self.data[index]
        record: dict[str, Any] = {"image_file": case["image"], "name": case["name"], "folder": case["folder"]}
        try:
            elapsed: dict[str, float] = {}
            with timed(elapsed, "all"):
                record = {**record, **self.transform({"image": case["image"]})}
            seconds = record["seconds"]
            seconds["preprocess"] = elapsed["all"] - seconds["read"]
        except Exception as error:  # a case can fail in any way; the others go on
            outcome, reason = explain(error, case["image"])
            return {"name": case["name"], "folder": case["folder"], "error": reason, "outcome": outcome}
        return record


class CaseEvaluator(SupervisedEvaluator):
    """MONAI's evaluator for records of `CaseDataset`, one a batch: it keeps failures in `failures` and goes on.

    A progress bar shows on a terminal, and each case leaves one line in the log.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.failures: list[Failure] = []

    def run(self, global_epoch: int = 1) -> None:
        """Do all cases; afterwards `failures` holds those that could not be done."""
        self.failures = []
        with tqdm(total=len(self.data_loader), unit="case", disable=None) as self._bar:
            super().run(global_epoch)

    def _iteration(self, engine: SupervisedEvaluator, batchdata: Mapping[Hashable, Any]) -> dict:
        engine.state.output = {}
        name, folder = batchdata["name"][0], batchdata["folder"][0]
        if "error" in batchdata:
            self._fail(folder, Failure(name, batchdata["error"][0], batchdata["outcome"][0]))
        else:
            try:
                self._predict(engine, batchdata)
            except Exception as error:  # as in the data set: whatever one case causes
                outcome, reason = explain(error, batchdata["image_file"][0])
                self._fail(folder, Failure(name, reason, outcome))
        self._bar.update()
        return engine.state.output

    def _predict(self, engine: SupervisedEvaluator, batchdata: Mapping[Hashable, Any]) -> None:
        # A plain tensor: the network would carry a MetaTensor's header through every layer.
        image = batchdata[CommonKeys.IMAGE].as_tensor().to(engine.state.device)
        seconds: dict[str, float] = {}
        with timed(seconds, "network"), engine.mode(engine.network):
            prediction = engine.inferer(image, engine.network).cpu()
        batchdata["seconds"]["network"] = torch.tensor([seconds["network"]], dtype=torch.float64)
        engine.state.output = {CommonKeys.PRED: prediction}
        engine.fire_event(IterationEvents.FORWARD_COMPLETED)
        engine.fire_event(IterationEvents.MODEL_COMPLETED)
        report = engine.state.output[0]["report"]
        volumes = ", ".join(f"{name} {checks['volume_ml']:.1f} mL" for name, checks in report["structures"].items())
        self._log(logging.INFO, f"{report['case']}: {volumes}, {sum(report['seconds'].values()):.1f} s")
        for warning in report["warnings"]:
            self._log(logging.WARNING, f"{report['case']}: {warning}")

    def _fail(self, folder: str, failure: Failure) -> None:
        self.failures.append(failure)
        self._log(logging.ERROR, f"{failure.name}: {failure.reason}")
        try:
            write_failure(folder, failure.name, failure.reason, failure.outcome)
        except OSError as error:
            self._log(logging.ERROR, f"{failure.name}: no report could be written ({error.strerror}); set `output_dir`")

    @staticmethod
    def _log(level: int, message: str) -> None:
        with tqdm.external_write_mode():
            logger.log(level, message)


def explain(error: Exception, path: str) -> tuple[str, str]:
    """Why a case failed: the outcome's short name, and a line without the folder its image lies in."""
    cause = error
    while not isinstance(cause, InputError) and cause.__cause__ is not None:
        cause = cause.__cause__  # MONAI wraps what a transform raises
    logger.debug("%s", error, exc_info=error)
    refused = isinstance(cause, InputError)
    text = str(cause) if refused else f"{type(cause).__name__}: {cause}"
    folder = str(Path(path).parent)
    return cause.outcome if refused else "error", text.replace(folder + os.sep, "").splitlines()[0]
