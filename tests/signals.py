"""Processes that tests send signals to, also where the tests themselves were started to ignore some (`nohup`, `&`)."""

from __future__ import annotations

import signal
import subprocess
from typing import Any

from custom.runtime.interruption import SIGNALS


def usual_signals() -> None:
    """Let this process end on each signal that a run heeds."""
    for number in SIGNALS:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


class Started(subprocess.Popen):
    """A process that is gone after its context, whatever became of the test."""

    def __exit__(self, *raised: Any) -> None:
        self.kill()
        super().__exit__(*raised)
