"""Stored values of DICOM files: decoded in this process, or in one of its own where the codec is native code.

Native codecs abort the whole process on some damaged files, and on others would take all time or memory; a batch must
outlive that. This file is also the program of the other process, which is why it imports nothing of the package.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from math import prod
from threading import Event, Timer

import numpy as np
import pydicom
from pydicom.pixels import iter_pixels
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

Job = tuple[str, Sequence[int]]
"""A file's path, and the indices of the frames wanted, ascending."""
LONGEST_DECODING = 60.0
"""Seconds that a frame may take, the start of the process included; tenths of a second are usual."""
DECODER_MEMORY = 4 * 2**30
"""Bytes that the other process may use, beside three times the size of the largest file."""


def decode(jobs: Sequence[Job]) -> Iterator[np.ndarray]:
    """The frames of all jobs in turn, (rows, columns) integers as stored; raises whatever pydicom does."""
    for path, frames in jobs:
        header = pydicom.dcmread(path, force=True)
        if "TransferSyntaxUID" not in header.file_meta:  # a file without meta header
            implicit, little = header.original_encoding
            explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
            header.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
        yield from iter_pixels(header, indices=frames, raw=True)


def decode_apart(jobs: Sequence[Job]) -> Iterator[np.ndarray]:
    """As `decode`, in another process, whose memory is limited.

    Raises TimeoutError where a frame takes longer than `LONGEST_DECODING`, RuntimeError where that process fails or
    dies.
    """
    command = [sys.executable, "-P", __file__]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    # Threads gain nothing here, and each claims address space.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, **pipes) as child:
        try:
            with suppress(BrokenPipeError), child.stdin:
                child.stdin.write(json.dumps(jobs).encode())
            for _ in range(sum(len(frames) for _, frames in jobs)):
                yield _receive(child)
        finally:
            child.kill()


def _receive(child: subprocess.Popen[bytes]) -> np.ndarray:
    """The next frame that `child` writes; it is killed where that takes too long."""
    late = Event()

    def stop() -> None:
        late.set()
        child.kill()

    timer = Timer(LONGEST_DECODING, stop)
    timer.start()
    try:
        kind, shape = json.loads(child.stdout.readline() or "[null, null]")
        content = child.stdout.read(np.dtype(kind).itemsize * prod(shape)) if kind else b""
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError(f"its decoder took longer than {LONGEST_DECODING:g} s")
    if not content:
        raise RuntimeError("the decoder gave up")
    return np.frombuffer(content, dtype=kind).reshape(shape)


def _serve() -> None:
    """Write each frame of the jobs on standard input as a line of its dtype and shape, and its bytes."""
    jobs = json.load(sys.stdin)
    _limit_memory(DECODER_MEMORY + 3 * max(os.path.getsize(path) for path, _ in jobs))
    for stored in decode(jobs):
        sys.stdout.buffer.write(json.dumps([stored.dtype.str, stored.shape]).encode() + b"\n")
        sys.stdout.buffer.write(np.ascontiguousarray(stored).tobytes())


def _limit_memory(most: int) -> None:
    """Let this process use no more than `most` bytes of address space, where the system can see to it."""
    with suppress(ImportError):  # Windows
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(resource.RLIMIT_AS, (most, hard))


if __name__ == "__main__":
    _serve()
