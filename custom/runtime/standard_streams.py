"""Standard streams for a process that was started without them, as services are, or by `2>&-`."""

from __future__ import annotations

import os
import sys


def open_standard_streams() -> None:
    """Let those streams that are closed lead nowhere.

    Python has None for them, which progress bars cannot write to; and the next file that is opened would get their
    numbers, and with them whatever native code prints.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 (for as long as the process lasts)
