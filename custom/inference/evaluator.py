"""Running the network over cases, so that a bad one never stops the others."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from monai.data import Dataset
from monai.engines import SupervisedEvaluator
from monai.engines.utils import IterationEvents
from monai.utils import CommonKeys
from tqdm import tqdm

from .. import causes
from ..inputs import InputError
from .outputs import Outputs
from .ranks import rank
from .report import make_failure, write_case
from .summary import Row, row_of
from .timing import timed

logger = logging.getLogger(__name__)


class CaseDataset(Dataset):
    """Cases of `find_cases` as preprocessed records; one that cannot be had comes as `name`, `folder`, `error` and
    `outcome`, one that an earlier run has done as `name`, `folder` and `earlier`, its report as JSON text.

    A good record holds `image` (the crop), `image_file`, `name`, `folder`, `reading` (of `LoadCTd`
    and `LocateHeartd`) and `seconds`.

    Args:
        data: the cases.
        transform: what makes `image` of its path.
        outputs: the files that a case gets.
        skip_existing: pass over cases whose files are all there.
    """

    def __init__(
        self, data: Sequence[Mapping[str, str]], transform: Callable, outputs: Outputs, skip_existing: bool = False
    ) -> None:
        super().__init__(data, transform)
        self.outputs = outputs
        self.skip_existing = skip_existing

    def __getitem__(self, index: int) -> dict[str, Any]:
        case = self.data[index]
        earlier = self.outputs.finished(case) if self.skip_existing else None
        if earlier is not None:
            return {"name": case["name"], "folder": case["folder"], "earlier": json.dumps(earlier)}
        record: dict[str, Any] = {"image_file": case["image"], "name": case["name"], "folder": case["folder"]}
        try:
            elapsed: dict[str, float] = {}
            with timed(elapsed, "all"):
                record = {**record, **self.transform({"image": case["image"]})}
            seconds = record["seconds"]
            seconds["preprocess"] = elapsed["all"] - sum(seconds.values())
        except Exception as error:  # a case can fail in any way; the others go on
            outcome, reason = explain(error, case["image"])
            return {"name": case["name"], "folder": case["folder"], "error": reason, "outcome": outcome}
        return record


class CaseEvaluator(SupervisedEvaluator):
    """MONAI's evaluator for records of `CaseDataset`, one a batch: a case that fails costs only itself.

    Its `inferer` gives a dictionary, as `SurfaceInferer` does, which the postprocessing finds in its record.

    `rows` holds the summary's row of each case so far. A progress bar shows on a terminal, and each case leaves a line
    in the log.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.rows: list[Row] = []

    def run(self, global_epoch: int = 1) -> None:
        """Do all cases of this process."""
        self.rows = []
        with tqdm(total=len(self.data_loader), unit="case", disable=True if rank() else None) as self._bar:
            if len(self.data_loader):
                super().run(global_epoch)

    def _iteration(self, engine: SupervisedEvaluator, batchdata: Mapping[Hashable, Any]) -> dict:
        engine.state.output = {}
        name, folder = batchdata["name"][0], batchdata["folder"][0]
        if "error" in batchdata:
            self._fail(folder, make_failure(name, batchdata["error"][0], batchdata["outcome"][0]))
        elif "earlier" in batchdata:
            self.rows.append(row_of(json.loads(batchdata["earlier"][0]), skipped=True))
            self._log(logging.INFO, f"{name}: done by an earlier run, skipped")
        else:
            try:
                self._predict(engine, batchdata)
            except Exception as error:  # as in the data set: whatever one case causes
                outcome, reason = explain(error, batchdata["image_file"][0])
                self._fail(folder, make_failure(name, reason, outcome))
        self._bar.update()
        return engine.state.output

    def _predict(self, engine: SupervisedEvaluator, batchdata: Mapping[Hashable, Any]) -> None:
        image = batchdata[CommonKeys.IMAGE].to(engine.state.device)
        seconds: dict[str, float] = {}
        with timed(seconds, "network"), engine.mode(engine.network):
            output = engine.inferer(image, engine.network)
            engine.state.output = {key: value.cpu() for key, value in output.items()}
        batchdata["seconds"]["network"] = torch.tensor([seconds["network"]], dtype=torch.float64)
        engine.fire_event(IterationEvents.FORWARD_COMPLETED)
        engine.fire_event(IterationEvents.MODEL_COMPLETED)
        report = engine.state.output[0]["report"]
        self.rows.append(row_of(report))
        volumes = ", ".join(
            f"{name} {checks['volume_ml']:.1f} mL ({checks['trust']})" for name, checks in report["structures"].items()
        )
        self._log(logging.INFO, f"{report['case']}: {volumes}, {sum(report['seconds'].values()):.1f} s")
        for warning in report["warnings"]:
            self._log(logging.WARNING, f"{report['case']}: {warning}")

    def _fail(self, folder: str, failure: dict[str, Any]) -> None:
        self.rows.append(row_of(failure))
        self._log(logging.ERROR, f"{failure['case']}: {failure['reason']}")
        try:
            write_case(folder, failure, {})
        except InputError as error:
            self._log(logging.ERROR, f"{failure['case']}: no report could be written: {error}")

    @staticmethod
    def _log(level: int, message: str) -> None:
        with tqdm.external_write_mode():
            logger.log(level, message)


def explain(error: Exception, path: str) -> tuple[str, str]:
    """Why a case failed: the outcome's short name, and a line without the folder its image lies in."""
    logger.debug("%s", error, exc_info=error)
    outcome, sentence = causes.explain(error)
    return outcome, sentence.replace(str(Path(path).parent) + os.sep, "")
