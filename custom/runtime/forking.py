"""Processes forked from one that has computed: the threads that PyTorch waits for are not there in them."""

from __future__ import annotations

import os

_computed_in: int | None = None


def refuse_fork() -> None:
    """To be called before the network is run.

    Raises RuntimeError in a process that was forked from one that had run it, where it would wait for ever.
    """
    global _computed_in
    if _computed_in not in (None, os.getpid()):
        raise RuntimeError(
            "this process was forked from one that has already run the network, and would wait for its threads for "
            'ever: start processes by "spawn", as multiprocessing.get_context("spawn") does, and load the model in each'
        )
    _computed_in = os.getpid()
