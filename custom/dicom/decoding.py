"""Stored values of DICOM files: decoded in this process, or in one of its own where the codec is native code.

Native codecs abort the whole process on some damaged files; a batch must outlive that. This file is also the program of
the other process, which is why it imports nothing of the package.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence

import numpy as np
import pydicom
from pydicom.pixels import iter_pixels
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

Job = tuple[str, Sequence[int]]
"""A file's path, and the indices of the frames wanted, ascending."""


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
    """As `decode`, in another process; raises RuntimeError where that fails or dies."""
    command = [sys.executable, "-P", __file__]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **pipes) as child:
        child.stdin.write(json.dumps(jobs).encode())
        child.stdin.close()
        for _ in range(sum(len(frames) for _, frames in jobs)):
            head = child.stdout.readline()
            if not head:
                raise RuntimeError("the decoder gave up")
            kind, shape = json.loads(head)
            content = child.stdout.read(np.dtype(kind).itemsize * int(np.prod(shape)))
            yield np.frombuffer(content, dtype=kind).reshape(shape)


def _serve() -> None:
    """Write each frame of the jobs on standard input as a line of its dtype and shape, and its bytes."""
    for stored in decode(json.load(sys.stdin)):
        sys.stdout.buffer.write(json.dumps([stored.dtype.str, stored.shape]).encode() + b"\n")
        sys.stdout.buffer.write(np.ascontiguousarray(stored).tobytes())


if __name__ == "__main__":
    _serve()
