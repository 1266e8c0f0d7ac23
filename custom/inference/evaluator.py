"""Running the network over cases, so that a bad one never stops the others."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from ignite.engine import Events
from monai.data import Dataset
from monai.engines import SupervisedEvaluator
from monai.engines.utils import IterationEvents
from torch import Tensor
from tqdm import tqdm

from ..inputs import InputError
from ..reading.loading import LoadCTd
from ..runtime import errors
from ..runtime.forking import refuse_fork
from ..runtime.interruption import Interrupted, heed_signals, held, interrupted
from ..runtime.ranks import rank, tell
from ..runtime.standard_streams import open_standard_streams
from ..runtime.threads import side_by_side
from ..runtime.timing import timed
from ..text import printable
from .record import Record
from .second_look import look
from .writing.earlier_reports import REPORT_ENDING
from .writing.files import IN_THE_WAY, TOO_LONG, make_folder
from .writing.outputs import Outputs
from .writing.permissions import permissions_of
from .writing.report import make_failure
from .writing.summary import Row, row_of

logger = logging.getLogger(__name__)


class CaseDataset(Dataset):
    """Cases of `find_cases` as preprocessed records, or as what a :class:`Record` holds of one that cannot be had, or
    that an earlier run has done.

    While the network sees one case, the next is read.

    Args:
        data: the cases.
        transform: what makes `image` of its path.
        outputs: the files that a case gets.
        skip_existing: pass over cases whose files are all there.
        loader: the one in `transform`, which can begin early; None: each case is read when it is its turn.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, str]],
        transform: Callable,
        outputs: Outputs,
        skip_existing: bool = False,
        loader: LoadCTd | None = None,
    ) -> None:
        super().__init__(data, transform)
        self.outputs = outputs
        self.skip_existing = skip_existing
        self.loader = loader

    def __getitem__(self, index: int) -> Record:
        case = self.data[index]
        record: Record = {"image_file": case["image"], "name": case["name"], "folder": case["folder"]}
        earlier = self._earlier(case)
        if earlier is not None:
            return {**record, "earlier": earlier}
        try:
            self.outputs.check_place(case)
            elapsed: dict[str, float] = {}
            with timed(elapsed, "all"):
                read = self.transform({"image": case["image"]})
            seconds = read["seconds"]
            seconds["preprocess"] = elapsed["all"] - sum(seconds.values())
        except Exception as error:  # a case can fail in any way; the others go on
            outcome, reason = explain(error, case["image"])
            return {**record, "error": reason, "outcome": outcome}
        if self.loader is not None:
            following = next((other for other in self.data[index + 1 :] if self._earlier(other) is None), None)
            if following is not None:
                self.loader.begin(following["image"])
        return {**record, **read}

    def _earlier(self, case: Mapping[str, str]) -> dict[str, Any] | None:
        return self.outputs.finished(case) if self.skip_existing else None


class CaseEvaluator(SupervisedEvaluator):
    """MONAI's evaluator for records of `CaseDataset`, collated by `single`: a case that fails costs only itself.

    Its `inferer` gives a dictionary, as `SurfaceInferer` does, which the postprocessing finds in its record.

    `rows` holds the summary's row of each case so far, in the order of the loader's data. A progress bar shows on a
    terminal, and each case leaves a line in the log. A signal ends the run at once, or, while a case's files are being
    written, after it; `conclude` then ends the process.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(decollate=False, **arguments)
        self.logger.setLevel(logging.CRITICAL)  # ignite remarks on what ends a run, which whoever catches it tells
        self.outputs: Outputs = self.data_loader.dataset.outputs
        self.rows: list[Row] = []
        self.add_event_handler(Events.GET_BATCH_STARTED, _let_go)

    def run(self, global_epoch: int = 1) -> None:
        """Do all cases of this process."""
        refuse_fork()
        open_standard_streams()
        heed_signals()
        self.rows = []
        cases = self.data_loader.dataset.data
        _freeze()
        with suppress(Interrupted), tqdm(total=len(cases), unit="case", disable=True if rank() else None) as self._bar:
            for case in cases:
                with suppress(InputError):  # which each case then tells of itself
                    make_folder(case["folder"], permissions_of([case["image"]]))
            try:
                if cases and not interrupted():
                    super().run(global_epoch)
            except Exception:  # what the loader makes of workers that got the signal as well
                if not interrupted():
                    raise
        with held():
            self.rows = [self._checked(row, case) for row, case in zip(self.rows, cases, strict=False)]

    def _iteration(self, engine: SupervisedEvaluator, record: Record) -> dict:
        case = {"name": record["name"], "folder": record["folder"], "image": record["image_file"]}
        if "error" in record:
            self._fail(case, record["error"], record["outcome"])
        elif "earlier" in record:
            self.rows.append(row_of(record["earlier"], skipped=True))
            self._log(logging.INFO, f"{self.rows[-1]['case']}: done by an earlier run, skipped")
        else:
            try:
                self._predict(engine, record)
            except Exception as error:  # as in the data set: whatever one case causes
                outcome, reason = explain(error, case["image"])
                self._fail(case, reason, outcome)
        tell("rows", self.rows)
        self._bar.update()
        if interrupted():
            engine.terminate()
        return engine.state.output

    def _predict(self, engine: SupervisedEvaluator, record: Record) -> None:
        if "phases" in record:
            with timed(record["seconds"], "network"), engine.mode(engine.network):
                asked = [partial(self._ask, engine, phase) for phase in record["phases"]]
                answers = side_by_side(asked, engine.state.device)
                phases = [{**phase, **answer} for phase, answer in zip(record["phases"], answers, strict=True)]
                engine.state.output = {"phases": phases}
        else:
            ask = partial(self._ask_timed, engine)
            engine.state.batch, engine.state.output = look(record, ask, self.data_loader.dataset.transform)
        engine.fire_event(IterationEvents.FORWARD_COMPLETED)
        engine.fire_event(IterationEvents.MODEL_COMPLETED)
        report = engine.state.output["report"]
        self.rows.append(row_of(report))
        volumes = ", ".join(
            f"{name} {checks['volume_ml']:.1f} mL ({checks['trust']})" for name, checks in report["structures"].items()
        )
        self._log(logging.INFO, f"{report['case']}: {volumes}, {sum(report['seconds'].values()):.1f} s")
        for warning in report["warnings"]:
            self._log(logging.WARNING, f"{report['case']}: {warning}")

    @staticmethod
    def _ask(engine: SupervisedEvaluator, record: Record) -> dict[str, Tensor]:
        """What the inferer says of a crop."""
        image = record["image"].as_tensor()[None].to(engine.state.device)
        return {key: value[0].cpu() for key, value in engine.inferer(image, engine.network).items()}

    def _ask_timed(self, engine: SupervisedEvaluator, record: Record) -> dict[str, Tensor]:
        with timed(record["seconds"], "network"), engine.mode(engine.network):
            return self._ask(engine, record)

    def _fail(self, case: Mapping[str, str], reason: str, outcome: str) -> None:
        failure = make_failure(case["name"], reason, outcome)
        self.rows.append(row_of(failure))
        self._log(logging.ERROR, f"{failure['case']}: {reason}")
        report = Path(case["folder"], f"{case['name']}{REPORT_ENDING}")
        if outcome == TOO_LONG or (outcome == IN_THE_WAY and os.path.lexists(report)):
            return  # all stays as it is
        try:
            self.outputs.write(case, failure, {})
        except InputError as error:
            self._log(logging.ERROR, f"{failure['case']}: no report could be written: {error}")

    def _checked(self, row: Row, case: Mapping[str, str]) -> Row:
        """The row, or that of a failure where the files that it tells of are there no longer."""
        if row["status"] == "failed" or self.outputs.still_there(case):
            return row
        failure = make_failure(case["name"], "its outputs were removed while the run went on", "outputs_gone")
        self._log(logging.ERROR, f"{failure['case']}: {failure['reason']}")
        return row_of(failure)

    @staticmethod
    def _log(level: int, message: str) -> None:
        with tqdm.external_write_mode():
            logger.log(level, message)


def _let_go(engine: SupervisedEvaluator) -> None:
    """Of the case before, whose voxels take up to half a GiB, before the next is read."""
    engine.state.batch, engine.state.output = None, {}


@cache  # once a process, or what is garbage at the next time would stay for ever
def _freeze() -> None:
    """Take what is imported out of the garbage collector's sight: to look through it takes 0.3 s a case."""
    gc.freeze()


def explain(error: Exception, path: str) -> tuple[str, str]:
    """Why a case failed: the outcome's short name, and a line without the folder its image lies in."""
    logger.debug("%s", error, exc_info=error)
    outcome, sentence = errors.explain(error)
    return outcome, printable(sentence.replace(str(Path(path).parent) + os.sep, ""))
