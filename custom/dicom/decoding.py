"""Stored values of DICOM files, as pydicom decodes them.

Also a program for `custom.apart`, which is why it imports nothing of the package.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

Job = tuple[str, Sequence[int]]
"""A file's path, and the indices of the frames wanted, ascending."""


def decode(jobs: Sequence[Job]) -> Iterator[np.ndarray]:
    """The frames of all jobs in turn, (rows, columns) integers as stored; raises whatever pydicom does."""
    from pydicom.pixels import iter_pixels  # only here: see `read_series`

    for path, frames in jobs:
        # Of a file pydicom allocates whatever a damaged length claims; of bytes it takes those that are there.
        header = pydicom.dcmread(BytesIO(Path(path).read_bytes()), force=True)
        if "TransferSyntaxUID" not in header.file_meta:  # a file without meta header
            implicit, little = header.original_encoding
            explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
            header.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
        yield from iter_pixels(header, indices=frames, raw=True)
