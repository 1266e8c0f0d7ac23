"""What an error says to the person who has to do something about it, however deep its cause lies."""

from __future__ import annotations

import logging
import os
import re
import sys
from types import TracebackType

from ..inputs import InputError

logger = logging.getLogger(__name__)

_GPU_FULL = (
    "CUDA out of memory",
    "CUDA error: out of memory",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_ALLOC_FAILED",
)
_FULL = ("DefaultCPUAllocator: can't allocate memory", "DefaultCPUAllocator: not enough memory", "MemoryError:")


def explain(error: BaseException) -> tuple[str, str]:
    """The outcome's short name (``error`` for what was not foreseen), and a sentence that is never empty."""
    cause = error
    while not isinstance(cause, InputError) and cause.__cause__ is not None:
        cause = cause.__cause__  # MONAI wraps what a transform or a part of a config raises
    said = _last_words(f"{type(cause).__name__}: {cause}")
    if isinstance(cause, InputError):
        return cause.outcome, said.partition(": ")[2] or "unusable"
    if any(mark in said for mark in _GPU_FULL):
        return "gpu_memory", (
            "the GPU's memory does not suffice: end other programs that use it, set `device` to cpu or, in training, "
            "make `batch_size` or `volume_size` smaller"
        )
    if any(mark in said for mark in _FULL):
        return "memory", (
            "the memory does not suffice: close other programs, crop the image around the heart or, in training, make "
            "`batch_size` or `volume_size` smaller"
        )
    return "error", said


def _last_words(text: str) -> str:
    """The line that says what went wrong: the first, but where a trace comes before it, as TorchScript's and that of a
    data loader's worker do, the one after the trace.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    traces = [index for index, line in enumerate(lines) if line.endswith("(most recent call last):")]
    if not traces:
        return lines[0]
    named = (line for line in lines[traces[-1] :] if re.match(r"[\w.]*(Error|Exception|Interrupt): ", line))
    return next(named, lines[-1]).removeprefix("builtins.")


def tell_refusals() -> None:
    """From now on an error that ends this process is one sentence in the log where it was foreseen.

    A call that was wrong ends with exit code 2, memory that does not suffice with 1; any other error keeps its trace.
    """
    sys.excepthook = _tell


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    outcome, sentence = explain(error)
    if outcome == "error":
        sys.__excepthook__(kind, error, trace)
        return
    if int(os.environ.get("RANK", 0)) == 0:  # of the processes of torchrun one says it
        logger.error("%s", sentence)
    sys.exit(1 if outcome in ("memory", "gpu_memory") else 2)
