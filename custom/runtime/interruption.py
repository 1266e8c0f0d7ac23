"""Ending a run early, on SIGINT, SIGTERM or SIGHUP, so that what is done stays whole and is told.

The first signal ends the run: by `Interrupted` at once, or where that is `held` by whoever asks `interrupted()`. A
second one, later than `ECHO`, ends the process as it would have without this.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

logger = logging.getLogger(__name__)

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
ECHO = 1.0
"""Seconds within which a second signal is the first one come by another way: `timeout` and terminals send both to the
process and to its group."""


class Interrupted(SystemExit):
    """A signal ends the run; uncaught it ends the process with the shell's code for that signal, 130 or 143."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.name = signal.Signals(number).name


class _State:
    """Of this process: the handlers that were there before, and what was received."""

    def __init__(self) -> None:
        self.previous: dict[int, Any] = {}
        self.process = 0
        self.ended: Interrupted | None = None
        self.since = 0.0
        self.holds = 0


_state = _State()


def heed_signals() -> None:
    """From now to `settle` or `forget` signals are heeded, but for those that are ignored, as after `nohup`.

    Only the main thread can; elsewhere, and where they are heeded already, nothing happens.
    """
    if threading.current_thread() is not threading.main_thread() or _state.previous:
        return
    _state.process = os.getpid()
    for number in SIGNALS:
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            _state.previous[number] = signal.signal(number, _receive)


def interrupted() -> Interrupted | None:
    """What ended the run; None while nothing has."""
    return _state.ended


@contextmanager
def held() -> Iterator[None]:
    """Within, a signal is noted and nothing more: what is begun is finished."""
    _state.holds += 1
    try:
        yield
    finally:
        _state.holds -= 1


def settle() -> None:
    """Heed signals no longer, and end the run if one has come: raises `Interrupted`."""
    ended = _state.ended
    forget()
    if ended is not None:
        raise ended


def forget() -> None:
    """Put the handlers back that were there before, whatever has come."""
    for number, handler in _state.previous.items():
        signal.signal(number, handler)
    _state.previous, _state.ended, _state.holds = {}, None, 0


def _receive(number: int, frame: FrameType | None) -> None:
    if os.getpid() != _state.process:  # forked with this handler, as workers of a data loader are
        if number == signal.SIGTERM:
            _end_by(number)
        return  # the terminal's signals come to its parent as well, which decides
    if _state.ended is None:
        _state.ended, _state.since = Interrupted(number), time.monotonic()
        logger.warning("%s: ending; what is done stays done", _state.ended.name)
        if not _state.holds:
            raise _state.ended
    elif time.monotonic() - _state.since > ECHO and "TORCHELASTIC_RUN_ID" not in os.environ:
        # torchrun passes on each signal that its own process group got as well, and kills what lingers.
        _end_by(number)


def _end_by(number: int) -> None:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
