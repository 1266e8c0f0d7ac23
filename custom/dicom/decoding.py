"""Whole DICOM files, and the stored values of their frames, as pydicom decodes them.

The one place that opens DICOM files, because what is deflated must not inflate without a bound.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from os import PathLike

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filereader import read_dataset, read_preamble
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

INFLATED = 2**26
"""Bytes that a deflated file may inflate to, whatever its size."""
INFLATED_A_BYTE = 32
"""Bytes more that it may inflate to for each of its own; CTs reach about 10."""

DESCRIPTION = "SamplesPerPixel"
"""The first element of the pixels' description (PS3.3, C.7.6.3)."""
_STARTS = (b"\x28\0\x02\0", b"\0\x28\0\x02")  # its tag, in either byte order
_OF_A_NUMBER = 8  # bytes of its tag, type and length, in each encoding


def parse(path: str | PathLike, tags: Sequence[int] | None = None) -> FileDataset:
    """The dataset of a file, with or without its meta header: all of it, or the given tags of what precedes the pixels.

    Raises whatever pydicom does, and ValueError where a deflated file is damaged, or inflates to more than any CT.
    """
    part = {"force": True, "specific_tags": tags, "stop_before_pixels": tags is not None}
    with open(path, "rb") as stream:
        read_preamble(stream, force=True)
        meta = FileMetaDataset(read_dataset(stream, False, True, stop_when=lambda tag, *_: tag.group != 2))
        if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
            header = pydicom.dcmread(BytesIO(_inflated(stream.read())), **part)
            header.file_meta = meta
        else:
            stream.seek(0)
            # Of a file pydicom allocates whatever a damaged length claims; of bytes it takes those that are there.
            header = pydicom.dcmread(stream if tags else BytesIO(stream.read()), **part)
    header.filename = os.fspath(path)
    return header


def _inflated(content: bytes) -> bytes:
    try:
        most = INFLATED + INFLATED_A_BYTE * len(content)
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        inflated = inflater.decompress(content, most)
    except zlib.error as error:
        raise ValueError("what is deflated in it is damaged") from error
    if not inflater.eof:
        raise ValueError("it is cut off, or inflates to far more than a CT")
    return inflated


def frames_of(header: FileDataset, frames: Sequence[int]) -> Iterator[np.ndarray]:
    """Frames by their ascending indices of the file that a header is of, as `parse` tells it: (rows, columns) integers
    as stored; raises whatever pydicom does."""
    from pydicom.pixels import iter_pixels  # only here: see `read_series`

    image = _image_of(header)
    if "TransferSyntaxUID" not in image.file_meta:  # a file without meta header
        implicit, little = header.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        image.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    yield from iter_pixels(image, indices=frames, raw=True)


def _image_of(header: FileDataset) -> Dataset:
    """What describes the pixels, and they: from the first element of the description on, where the header knows it."""
    syntax = header.file_meta.get("TransferSyntaxUID")
    if DESCRIPTION not in header or syntax == DeflatedExplicitVRLittleEndian:
        return parse(header.filename)
    with open(header.filename, "rb") as stream:
        stream.seek(header[DESCRIPTION].file_tell - _OF_A_NUMBER)
        content = stream.read()
    if not content.startswith(_STARTS):  # of an unknown type its head is longer, or the file has changed
        return parse(header.filename)
    image = read_dataset(BytesIO(content), *header.original_encoding)
    image.file_meta = header.file_meta
    return image
