"""Computations side by side, each on its share of the processor."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from typing import TypeVar

import torch

T = TypeVar("T")
_M_ARENA_MAX = -8  # of glibc's malloc.h


def side_by_side(calls: Sequence[Callable[[], T]], device: torch.device | str = "cpu") -> list[T]:
    """What functions of tensors on a device return, each of them in a thread of its own.

    Threads inside an operation wait for each other at its end: thousands of small ones cost a busy machine minutes.
    Whole computations side by side do not wait. Each gets an equal share of `torch.get_num_threads()`; with one thread
    they take turns, and so they do elsewhere than on the CPU: on CUDA they would share one stream.

    Raises what the first of them that fails raises.
    """
    threads = torch.get_num_threads()
    workers = min(len(calls), threads)
    if workers <= 1 or torch.device(device).type != "cpu":
        return [call() for call in calls]
    _share_heap()
    gradients, inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()

    def alone(call: Callable[[], T]) -> T:
        torch.set_num_threads(threads // workers)  # of this thread: OpenMP counts for each
        with torch.inference_mode(inference), torch.set_grad_enabled(gradients and not inference):
            return call()

    try:
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(alone, calls))
    finally:
        torch.set_num_threads(threads)  # what threads that begin later start with


@cache
def _share_heap() -> None:
    """Let threads take memory from one heap: each has its own in glibc, and keeps there what it frees, 150 MiB in all
    after a case."""
    with suppress(OSError, AttributeError):  # elsewhere than with glibc
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it this thread's operations are not shared out: for work beside that of another process, for whose cores
    the threads of each operation would wait."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
