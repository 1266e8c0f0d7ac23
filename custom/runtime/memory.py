"""How much memory a case takes."""

from __future__ import annotations

import sys

import torch


def peak_memory(device: torch.device | str) -> float | None:
    """Most memory held at once, MiB.

    With CUDA: of the tensors on `device` since this was last asked, so of one case where it is asked once a case. Else:
    the resident set of this process since its start, so of the largest case so far; None where the system does not say.
    """
    device = torch.device(device)
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        return round(peak / 2**20, 1)
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / 2 ** (20 if sys.platform == "darwin" else 10), 1)
