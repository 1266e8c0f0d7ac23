"""Arrays made in a process of their own, with limits of time and memory.

Native readers and codecs abort, hang, or take all memory on some damaged files; a batch must outlive that. This file is
also the program of the other process, which is why it imports nothing of the package.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from collections.abc import Iterator
from contextlib import suppress
from math import prod
from subprocess import DEVNULL, PIPE, Popen
from threading import Event, Timer
from typing import Any

import numpy as np

LONGEST = 60.0
"""Seconds that an array may take, the start of the process included; a few are usual."""
MEMORY = 4 * 2**30
"""Bytes of address space that the process may use for a small file."""


def arrays_apart(program: str, name: str, argument: Any, size: float = 0.0) -> Iterator[np.ndarray]:
    """The arrays that the generator `name(argument)` of the file `program` yields in another process.

    Args:
        program: path of a Python file that imports nothing of this package.
        name: of the generator there; its arrays are of numbers.
        argument: as JSON can hold it.
        size: bytes that are read at most, which add to the time (a second for 10 MB) and to the memory (twelve-fold).

    Raises TimeoutError where an array takes too long, RuntimeError where the process fails, or dies.
    """
    command = [sys.executable, "-P", __file__]
    pipes = {"stdin": PIPE, "stdout": PIPE, "stderr": DEVNULL}
    # Threads gain nothing here, and each claims address space.
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
    environment = {**os.environ, **dict.fromkeys(threads, "1")}
    with Popen(command, env=environment, **pipes) as child:
        try:
            with suppress(BrokenPipeError), child.stdin:
                child.stdin.write(json.dumps([program, name, argument, int(MEMORY + 12 * size)]).encode())
            while (array := _receive(child, LONGEST + size / 1e7)) is not None:
                yield array
        finally:
            child.kill()


def _receive(child: Popen[bytes], longest: float) -> np.ndarray | None:
    """The next array, None after the last; the child is killed where that takes longer than `longest` seconds."""
    late = Event()

    def stop() -> None:
        late.set()
        child.kill()

    timer = Timer(longest, stop)
    timer.start()
    try:
        head = child.stdout.readline()
        if head:
            kind, shape = json.loads(head)
            length = np.dtype(kind).itemsize * prod(shape)
            content = child.stdout.read(length)
            if len(content) == length:
                return np.frombuffer(content, dtype=kind).reshape(shape)
        elif child.wait() == 0:
            return None
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError(f"it took longer than {longest:.0f} s")
    raise RuntimeError("the process that reads it gave up")


def serve() -> None:
    """In that process: read what is asked, and write each array as a line of its dtype and shape, and its bytes."""
    program, name, argument, memory = json.load(sys.stdin)
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what native code prints is no answer
    with suppress(ImportError):  # Windows
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or memory < hard:
            resource.setrlimit(resource.RLIMIT_AS, (memory, hard))
    for array in runpy.run_path(program)[name](argument):
        answer.write(json.dumps([array.dtype.str, array.shape]).encode() + b"\n")
        answer.write(np.ascontiguousarray(array).tobytes())
        answer.flush()
    answer.close()


if __name__ == "__main__":
    serve()
    sys.stderr.flush()
    os._exit(0)  # past the finalisers of native libraries, which may still abort
