"""MetaImage (.mha, .mhd): its header read strictly (itk.org/Wiki/ITK/MetaIO/Documentation)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..frames import affine_of_lps
from ..inputs import CUT_OFF, Damaged, Findings, InputError, check_affine
from .contents import START, refuse_content
from .text_header import Fields, data_file, lines
from .voxels import Layout, Source, read_volume

_DTYPES = {
    **{"MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4"},
    **{"MET_LONG": "i4", "MET_ULONG": "u4"},  # as ITK takes them, whatever a compiler's are
    **{"MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8"},
}
_ALIASES = {
    **dict.fromkeys(("Position", "Origin"), "Offset"),
    **dict.fromkeys(("Rotation", "Orientation"), "TransformMatrix"),
    "ElementByteOrderMSB": "BinaryDataByteOrderMSB",
}
_FIELDS = {
    *("ObjectType", "NDims", "BinaryData", "BinaryDataByteOrderMSB", "CompressedData", "TransformMatrix", "Offset"),
    *("ElementSpacing", "ElementSize", "DimSize", "HeaderSize", "HeaderSizePerSlice", "ElementType"),
    *("ElementNumberOfChannels", "ElementToIntensityFunctionSlope", "ElementToIntensityFunctionOffset"),
    *("DistanceUnits", "ElementDataFile"),
}
"""Those that decide what is read; others are free: ITK writes whatever an image was made of."""
_SPELLINGS = {name.lower(): name for name in (*_FIELDS, *_ALIASES)}
_LINE = re.compile(r"([A-Za-z0-9_|.\-]+)[ \t]*=[ \t]*(.*)")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def read_meta_image(path: Path, findings: Findings, phase: str | float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The volume (D0, D1, D2), int16 or float32, of a MetaImage file, and its affine (4, 4) float64, voxel to RAS mm.

    Args:
        path: a .mha file, or a .mhd file whose one data file lies beside or below it.
        findings: gets the warnings.
        phase: which volume of a file of several to read, counted from 1.

    Raises InputError: another kind of file, a header with anything that is not known, a data file outside the header's
    folder, colour, several volumes and no `phase`, or a header that claims more than the file holds.
    """
    with open(path, "rb") as stream:
        start = stream.read(START)
        stream.seek(0)
        if not _LINE.match(start.decode("latin-1")):
            raise refuse_content(path, start, "MetaImage")
        fields = _fields(stream)
        file = _voxels_beside(path, fields["ElementDataFile"])
        layout = _layout(fields)
        affine = _affine(fields, layout, findings)
        check_affine(affine)
        if file is None:
            return read_volume(_source(stream, fields, layout), layout, phase, findings), affine
    with open(file, "rb") as stream:
        return read_volume(_source(stream, fields, layout), layout, phase, findings), affine


def _fields(stream: BinaryIO) -> Fields:
    """The fields up to `ElementDataFile`, the last of the header."""
    fields = Fields()
    for number, line in lines(stream):
        parts = _LINE.fullmatch(line)
        if parts is None:
            if not stream.read(1):
                raise Damaged(CUT_OFF)
            raise Damaged(f"its line {number} is none of MetaImage")
        name = parts[1]
        if _SPELLINGS.get(name.lower(), name) != name:
            raise Damaged(f"its line {number} misspells a name")
        name = _ALIASES.get(name, name)
        if name in _FIELDS:
            fields.add(name, parts[2])
        if name == "ElementDataFile":
            return fields
    raise Damaged(CUT_OFF)


def _voxels_beside(path: Path, name: str) -> Path | None:
    """The file of the voxels; None where they follow the header."""
    return None if name.upper() == "LOCAL" else data_file(path, name)


def _flag(fields: Fields, name: str, default: bool) -> bool:
    if name not in fields:
        return default
    if fields[name].lower() not in _TRUTH:
        raise Damaged(f"`{name}` is neither True nor False")
    return _TRUTH[fields[name].lower()]


def _layout(fields: Fields) -> Layout:
    if fields.get("ObjectType", "Image") != "Image":
        raise InputError("the file is a MetaIO object that is no image", "other_kind")
    axes = fields.axes("NDims")
    shape = tuple(fields.whole("DimSize", axes))
    if fields.whole("ElementNumberOfChannels", 1, 1) != [1]:
        raise InputError("the image has several values a voxel (colour or vectors): HU are needed", "colour")
    kind = _DTYPES.get(fields.need("ElementType"))
    if kind is None:
        raise InputError("the header tells of a type of numbers that is not read", "data_type")
    if not _flag(fields, "BinaryData", True):
        raise InputError("its voxels are encoded as text, which is not read: save it as binary data", "compression")
    for name, neutral in (("ElementToIntensityFunctionSlope", 1.0), ("ElementToIntensityFunctionOffset", 0.0)):
        if name in fields and fields.numbers(name, 1) != [neutral]:
            raise Damaged(f"`{name}` is not {neutral:g}")
    end = ">" if _flag(fields, "BinaryDataByteOrderMSB", False) else "<"
    return Layout(shape, np.dtype(end + kind), tuple(range(min(axes, 3))))


def _affine(fields: Fields, layout: Layout, findings: Findings) -> np.ndarray:
    axes = len(layout.shape)
    if axes < 3:
        raise InputError(f"the image has {axes} axes: it is no volume", "too_flat")
    if fields.get("DistanceUnits", "mm").lower() not in ("mm", "?"):
        findings.refuse("units", "the header's unit of length is not mm: it is read as mm")
    sizes = [name for name in ("ElementSpacing", "ElementSize") if name in fields]
    spacing = fields.numbers(sizes[0], axes) if sizes else [1.0] * axes
    rows = np.eye(axes)
    if "TransformMatrix" in fields:  # row k is the direction of axis k
        rows = np.reshape(fields.numbers("TransformMatrix", axes * axes), (axes, axes))
    origin = fields.numbers("Offset", axes) if "Offset" in fields else [0] * axes
    return affine_of_lps(rows[:3, :3].T * spacing[:3], np.array(origin[:3]))


def _source(stream: BinaryIO, fields: Fields, layout: Layout) -> Source:
    """The voxels of a stream that stands behind the header, or at the start of the data file."""
    (skip,) = fields.whole("HeaderSize", 1, 0)
    packed = _flag(fields, "CompressedData", False)
    if skip < (0 if packed else -1) or fields.whole("HeaderSizePerSlice", 1, 0) != [0]:
        raise Damaged("`HeaderSize` or `HeaderSizePerSlice` is not one that is read")
    if skip == -1:  # the voxels are the last bytes
        stream.seek(max(stream.seek(0, os.SEEK_END) - layout.size, 0))
    elif skip:
        stream.seek(skip)
    return Source(stream, packed)
