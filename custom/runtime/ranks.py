"""Cases spread over the processes of `torchrun`; without it there is one process, and nothing to spread.

What they tell each other lies in the store that `torchrun` keeps, so that it is there when one of them is not.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Sequence
from typing import Any

import torch.distributed as dist

from .interruption import interrupted

PAUSE = 0.1
"""Seconds between two looks whether the other processes are done."""


class _Ranks:
    """The processes of this run: how many, which of them this is, and what they tell each other."""

    def __init__(self) -> None:
        self.store: dist.Store | None = None
        self.number, self.size = 0, 1


_ranks = _Ranks()


def join_ranks() -> None:
    """Join the other processes that `torchrun` started."""
    if dist.is_torchelastic_launched() and _ranks.store is None:
        _ranks.store, _ranks.number, _ranks.size = next(dist.rendezvous("env://"))


def rank() -> int:
    """The number of this process."""
    return _ranks.number


def share(cases: Sequence[Any]) -> list[Any]:
    """Those of all cases that this process does: each is done by one process."""
    return list(cases[_ranks.number :: _ranks.size])


def tell(subject: str, items: Sequence[Any]) -> None:
    """Let the other processes know what this one has so far, an item for each of its first cases."""
    if _ranks.store is not None:
        _ranks.store.set(f"{subject}/{_ranks.number}", pickle.dumps(list(items)))


def gather(subject: str, items: Sequence[Any], count: int) -> list[Any]:
    """The items of all processes, one for each of `count` cases that were `share`d.

    Every process waits for all others, but for an interruption: None stands for a case that nobody had come to.
    """
    found: list[Any] = [None] * count
    tell(subject, items)
    _wait_for_all(subject)
    for number in range(_ranks.size):
        part = list(items) if number == _ranks.number else _told(subject, number)
        found[number :: _ranks.size] = part + [None] * (len(found[number :: _ranks.size]) - len(part))
    return found


def leave_ranks() -> None:
    """Wait for the other processes once more, so that none is stopped for another's exit code."""
    _wait_for_all("left")


def _told(subject: str, number: int) -> list[Any]:
    key = f"{subject}/{number}"
    try:
        return pickle.loads(_ranks.store.get(key)) if _ranks.store.check([key]) else []
    except dist.DistError:  # torchrun is gone, and its store
        return []


def _wait_for_all(subject: str) -> None:
    if _ranks.store is None:
        return
    try:
        _ranks.store.set(f"{subject}/{_ranks.number}/whole", b"")
        everyone = [f"{subject}/{number}/whole" for number in range(_ranks.size)]
        while not interrupted() and not _ranks.store.check(everyone):
            time.sleep(PAUSE)
    except dist.DistError:
        pass
