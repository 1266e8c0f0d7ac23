"""NRRD: its header read strictly, by the definition of the format (teem.sourceforge.net/nrrd/format.html)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..frames import affine_of_lps
from ..inputs import CUT_OFF, Damaged, Findings, InputError, check_affine
from .contents import START, refuse_content
from .text_header import Fields, data_file, lines, numbers
from .voxels import Layout, Source, read_volume

_TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
_DTYPES = {name: kind for kind, names in _TYPES.items() for name in names}
_PACKED = {"raw": False, "gz": True, "gzip": True}
_ENDS = {"little": "<", "big": ">"}
_SPACES = {  # the signs that make LPS of the first three components
    **dict.fromkeys(("left-posterior-superior", "lps", "scanner-xyz"), (1, 1, 1)),
    **dict.fromkeys(("left-posterior-superior-time", "lpst", "scanner-xyz-time"), (1, 1, 1)),
    **dict.fromkeys(("right-anterior-superior", "ras"), (-1, -1, 1)),
    **dict.fromkeys(("right-anterior-superior-time", "rast"), (-1, -1, 1)),
    **dict.fromkeys(("left-anterior-superior", "las"), (1, -1, 1)),
    **dict.fromkeys(("left-anterior-superior-time", "last"), (1, -1, 1)),
}
_VOLUMES = {"list", "time", "scalar", "stub", "???", "none"}
_SPATIAL = {"domain", "space"}
_ALIASES = {
    **{"datafile": "data file", "lineskip": "line skip", "byteskip": "byte skip", "sampleunits": "sample units"},
    **{"axismins": "axis mins", "axismaxs": "axis maxs", "centers": "centerings", "blocksize": "block size"},
    **{"oldmin": "old min", "oldmax": "old max"},
}
_FIELDS = {
    *("dimension", "type", "block size", "encoding", "endian", "content", "min", "max", "old min", "old max"),
    *("data file", "line skip", "byte skip", "number", "sample units", "sizes", "spacings", "thicknesses", "axis mins"),
    *("axis maxs", "centerings", "labels", "units", "kinds", "space", "space dimension", "space units", "space origin"),
    *("space directions", "measurement frame"),
}
_UNREAD = {"ascii", "text", "txt", "hex", "bz2", "bzip2"}
_MILLIMETRES = {"mm", "millimeter", "millimeters", "millimetre", "millimetres", "", "???"}
_MOST_LINES, _LONGEST_LINE = 2**12, 2**16  # that are skipped before the voxels
_VECTOR = re.compile(r"\(([^()]*)\)|none")


def read_nrrd(path: Path, findings: Findings, phase: str | float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The volume (D0, D1, D2), int16 or float32, of an NRRD file, and its affine (4, 4) float64, voxel to RAS mm.

    Args:
        path: a .nrrd file, or a .nhdr file whose one data file lies beside or below it.
        findings: gets the warnings.
        phase: which volume of a file of several to read, counted from 1.

    Raises InputError: another kind of file, a header with anything that is not known, a data file outside the header's
    folder, colour, several volumes and no `phase`, a header that claims more than the file holds, or one that does not
    say in which space it lies.
    """
    with open(path, "rb") as stream:
        start = stream.read(START)
        stream.seek(0)
        if not re.match(rb"NRRD000[1-5]\r?\n", start):
            raise refuse_content(path, start, "NRRD")
        fields = _fields(stream)
        file = data_file(path, fields["data file"]) if "data file" in fields else None
        directions = _directions(fields)
        layout = _layout(fields, directions)
        affine = _affine(fields, layout.spatial, directions, findings)
        check_affine(affine)
        packed = _is_packed(fields)
        if file is None:
            return read_volume(_source(stream, packed, fields, layout), layout, phase, findings), affine
    with open(file, "rb") as stream:
        return read_volume(_source(stream, packed, fields, layout), layout, phase, findings), affine


def _fields(stream: BinaryIO) -> Fields:
    """The fields up to the empty line; comments and free keys left out."""
    fields = Fields()
    for number, line in lines(stream):
        parts = re.match(r"(.*?)(: |:=|:$)(.*)", line)
        if not line:
            return fields
        if number == 1 or line.startswith("#") or (parts and parts[2] == ":="):
            continue
        name = parts[1].lower() if parts else ""
        name = _ALIASES.get(name, name)
        if name not in _FIELDS:
            if not stream.read(1):
                raise Damaged(CUT_OFF)
            raise Damaged(f"its line {number} is none of NRRD")
        fields.add(name, parts[3])
    if "data file" not in fields:
        raise Damaged(CUT_OFF)
    return fields


def _directions(fields: Fields) -> list[np.ndarray | None] | None:
    """Of each axis its step in space (3,), or None where it is none of space; None where the header has no steps."""
    if "space directions" not in fields:
        return None
    axes, space = fields.axes("dimension"), _space_dimension(fields)
    text = fields["space directions"]
    found = list(_VECTOR.finditer(text))
    if len(found) != axes or _VECTOR.sub("", text).strip():
        raise Damaged(f"`space directions` is not {axes} vectors")
    vectors = [_vector(part[1], "space directions", space) for part in found]
    # In a space with time, the axis of time has no part in the first three.
    return [None if vector is None or (space > 3 and not vector[:3].any()) else vector[:3] for vector in vectors]


def _space_dimension(fields: Fields) -> int:
    space = fields.get("space", "").lower()
    dimension = 4 if space.endswith("-time") or space in ("last", "rast", "lpst") else 3
    (dimension,) = fields.whole("space dimension", 1, dimension)
    if dimension not in (3, 4):
        raise Damaged("its space has neither three nor four dimensions")
    return dimension


def _vector(text: str | None, name: str, count: int) -> np.ndarray | None:
    return None if text is None else np.array(numbers(text.replace(",", " ").split(), name, count))


def _layout(fields: Fields, directions: list[np.ndarray | None] | None) -> Layout:
    axes = fields.axes("dimension")
    shape = tuple(fields.whole("sizes", axes))
    kinds = fields["kinds"].lower().split() if "kinds" in fields else ["???"] * axes
    if len(kinds) != axes:
        raise Damaged(f"`kinds` is not {axes} words")
    several = any(size > 1 and kind not in _VOLUMES | _SPATIAL for size, kind in zip(shape, kinds, strict=True))
    if several:
        raise InputError("the image has several values a voxel (colour or vectors): HU are needed", "colour")
    if directions is not None:
        spatial = tuple(axis for axis, step in enumerate(directions) if step is not None)
    else:
        spatial = tuple(axis for axis, kind in enumerate(kinds) if kind in _SPATIAL | {"???", "none"})[:3]
    kind = _DTYPES.get(" ".join(fields.need("type").lower().split()))
    if kind is None:
        raise InputError("the header tells of a type of numbers that is not read", "data_type")
    end = _ENDS.get(fields.get("endian", "little" if kind.endswith("1") else "").lower())
    if end is None:
        raise Damaged("`endian` is neither little nor big")
    return Layout(shape, np.dtype(end + kind), spatial)


def _affine(
    fields: Fields, spatial: tuple[int, ...], directions: list[np.ndarray | None] | None, findings: Findings
) -> np.ndarray:
    signs = _SPACES.get(fields.get("space", "").lower())
    if signs is None or directions is None:
        findings.refuse("no_orientation", "the header does not say in which space it is: left and right may be swapped")
        signs = signs or (1, 1, 1)  # as ITK takes it
    if len(set(re.findall(r'"([^"]*)"', fields.get("space units", "")[:1000])) - _MILLIMETRES):
        findings.refuse("units", "the header's unit of length is not mm: it is read as mm")
    if len(spatial) != 3:
        raise InputError("the image has not three axes in space: it is no volume", "too_flat")
    if directions is not None:
        axes = np.column_stack([directions[axis] for axis in spatial])
    else:
        count = fields.axes("dimension")
        spacings = fields.numbers("spacings", count) if "spacings" in fields else [1.0] * count
        axes = np.diag([spacings[axis] for axis in spatial])
    origin = np.zeros(3)
    if "space origin" in fields:
        found = _VECTOR.fullmatch(fields["space origin"])
        if found is None or found[1] is None:
            raise Damaged("`space origin` is no vector")
        origin = _vector(found[1], "space origin", _space_dimension(fields))[:3]
    return affine_of_lps(np.diag(signs) @ axes, np.array(signs) * origin)


def _is_packed(fields: Fields) -> bool:
    encoding = fields.need("encoding").lower()
    if encoding not in _PACKED:
        known = f"as {encoding}" if encoding in _UNREAD else "in an unknown way"
        raise InputError(f"its voxels are encoded {known}, which is not read: save it raw or with gzip", "compression")
    return _PACKED[encoding]


def _source(stream: BinaryIO, packed: bool, fields: Fields, layout: Layout) -> Source:
    """The voxels of a stream that stands behind the header, or at the start of the data file."""
    (line_skip,), (byte_skip,) = fields.whole("line skip", 1, 0), fields.whole("byte skip", 1, 0)
    if not 0 <= line_skip <= _MOST_LINES or byte_skip < (0 if packed else -1):
        raise Damaged("`line skip` or `byte skip` is not one that is read")
    for _ in range(line_skip):
        stream.readline(_LONGEST_LINE)
    if byte_skip == -1:  # the voxels are the last bytes
        stream.seek(max(stream.seek(0, os.SEEK_END) - layout.size, 0))
    source = Source(stream, packed)
    source.skip(byte_skip)
    return source
