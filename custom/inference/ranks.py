"""Cases spread over the processes of `torchrun`; without it there is one process, and nothing to spread."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import torch.distributed as dist

LONGEST_RUN = timedelta(days=30)
"""How long the first process to finish its cases waits for the last."""


def join_ranks() -> None:
    """Join the other processes that `torchrun` started; results travel between them by gloo, on any device."""
    if dist.is_torchelastic_launched() and not dist.is_initialized():
        dist.init_process_group("gloo", timeout=LONGEST_RUN)


def rank() -> int:
    """The number of this process."""
    return dist.get_rank() if dist.is_initialized() else 0


def share(cases: Sequence[Any]) -> list[Any]:
    """Those of all cases that this process does: each is done by one process."""
    return list(cases[rank() :: dist.get_world_size()]) if dist.is_initialized() else list(cases)


def gather(items: Sequence[Any]) -> list[Any]:
    """The items of all processes, in the order in which `share` dealt them out; every process waits for all others."""
    if not dist.is_initialized():
        return list(items)
    parts: list[list[Any]] = [[] for _ in range(dist.get_world_size())]
    dist.all_gather_object(parts, list(items))
    longest = max(len(part) for part in parts)
    return [part[index] for index in range(longest) for part in parts if index < len(part)]


def leave_ranks() -> None:
    """Wait for the other processes once more and part, so that none is stopped for another's exit code."""
    if dist.is_initialized():
        dist.barrier()
        dist.destroy_process_group()
