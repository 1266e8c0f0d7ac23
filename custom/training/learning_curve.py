"""How far a training has come, by its validations, after how many steps and how many seconds of learning."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ignite import distributed as idist
from ignite.engine import Engine, Events


class LearningCurve:
    """Writes ``curve.json`` into a folder: of each validation so far ``step``, ``seconds`` and the metrics by name.

    The seconds are those of the steps alone, without their data, and without validations. On the CPU they are the
    processor's, which other load on the machine hardly changes; on a GPU they are the clock's. A resumed training goes
    on counting where its checkpoint was written, and forgets what was validated after it.
    """

    def __init__(self, folder: str) -> None:
        self.path = Path(folder) / "curve.json"
        self.seconds = 0.0
        self.validations: list[dict[str, float]] = []
        self._since = 0.0

    def attach(self, trainer: Engine, validator: Engine) -> None:
        """Counts the trainer's steps and notes the validator's results."""
        clock = time.process_time if trainer.state.device.type == "cpu" else time.perf_counter
        trainer.add_event_handler(Events.ITERATION_STARTED, self._start, clock)
        trainer.add_event_handler(Events.ITERATION_COMPLETED, self._stop, clock)
        validator.add_event_handler(Events.COMPLETED, self._note, trainer)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {"seconds": self.seconds, "validations": list(self.validations)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back :meth:`state_dict`."""
        self.seconds, self.validations = state["seconds"], list(state["validations"])

    def _start(self, trainer: Engine, clock: Callable[[], float]) -> None:
        self._since = clock()

    def _stop(self, trainer: Engine, clock: Callable[[], float]) -> None:
        self.seconds += clock() - self._since

    def _note(self, validator: Engine, trainer: Engine) -> None:
        metrics = {name: float(value) for name, value in validator.state.metrics.items()}
        self.validations.append({"step": trainer.state.iteration, "seconds": round(self.seconds, 2), **metrics})
        if idist.get_rank() == 0:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = self.path.with_name(f".{self.path.name}")
            unfinished.write_text(json.dumps(self.validations, indent=1))
            unfinished.replace(self.path)
