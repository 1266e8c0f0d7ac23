"""Work whose results lie in shared memory, the second half of it in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


def in_halves(here: Callable[[Sequence[T]], bool], there: Callable[[Sequence[T]], bool], items: Sequence[T]) -> None:
    """Let `here` work on the first half of the items, and `there`, in a process forked from this one, on the others.

    Each tells whether all its results are where the other process sees them. Where one says no, or the other process
    failed in any way, `here` works on the second half as well; so only what it raises is raised. For processes of one
    thread.
    """
    first, second = items[: (len(items) + 1) // 2], items[(len(items) + 1) // 2 :]
    helper = _forked(there, second) if second else None
    try:
        done = here(first)
    finally:  # a process that is not waited for stays
        helped = helper is not None and os.waitpid(helper, 0)[1] == 0
    if second and not (done and helped):
        here(second)


def _forked(there: Callable[[Sequence[T]], bool], items: Sequence[T]) -> int | None:
    """The number of a process that does it, and ends with 0 if all is well; None where the system gives none."""
    try:
        helper = os.fork()
    except (AttributeError, OSError):
        return None
    if helper == 0:
        with suppress(BaseException):
            os._exit(0 if there(items) else 1)
        os._exit(1)
    return helper
