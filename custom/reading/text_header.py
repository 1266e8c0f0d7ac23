"""What the text headers of NRRD and MetaImage share: bounded lines, numbers, and the file that holds the voxels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..inputs import Damaged, InputError

LARGEST_HEADER = 2**22
"""Bytes of a text header at most; those of a sequence of a hundred volumes have some 100 KB."""
MOST_AXES = 16
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(nan|inf|infinity)", re.IGNORECASE | re.ASCII)


def lines(stream: BinaryIO) -> Iterator[tuple[int, str]]:
    """The lines of a header, numbered from 1, without their ends; the stream stands behind the one that came last."""
    left, number = LARGEST_HEADER, 0
    while line := stream.readline(left + 1):
        left, number = left - len(line), number + 1
        if left < 0:
            raise Damaged(f"it is longer than {LARGEST_HEADER // 2**20} MiB")
        yield number, line.decode("utf-8", "surrogateescape").removesuffix("\n").removesuffix("\r")


class Fields(dict[str, str]):
    """The fields of a header by their names, each once."""

    def add(self, name: str, value: str) -> None:
        """Take one more field."""
        if name in self:
            raise Damaged(f"it has `{name}` twice")
        self[name] = value.strip()

    def need(self, name: str) -> str:
        """A field that must be there."""
        if name not in self:
            raise Damaged(f"it has no `{name}`")
        return self[name]

    def whole(self, name: str, count: int, default: int | None = None) -> list[int]:
        """A field of `count` whole numbers."""
        if name not in self and default is not None:
            return [default] * count
        parts = self.need(name).split()
        if len(parts) != count or not all(re.fullmatch(r"-?[0-9]{1,18}", part) for part in parts):
            raise Damaged(f"`{name}` is not {f'{count} whole numbers' if count > 1 else 'a whole number'}")
        return [int(part) for part in parts]

    def numbers(self, name: str, count: int) -> list[float]:
        """A field of `count` numbers."""
        return numbers(self.need(name).split(), name, count)

    def axes(self, name: str) -> int:
        """A field that is the number of axes."""
        (axes,) = self.whole(name, 1)
        if not 1 <= axes <= MOST_AXES:
            raise Damaged(f"`{name}` is not from 1 to {MOST_AXES}")
        return axes


def numbers(parts: list[str], name: str, count: int) -> list[float]:
    """`count` numbers of the field `name`."""
    if len(parts) != count or not all(_NUMBER.fullmatch(part) for part in parts):
        raise Damaged(f"`{name}` is not {count} numbers")
    return [float(part) for part in parts]


def data_file(header: Path, name: str) -> Path:
    """The file of voxels that a header names: a regular one in the header's folder or below, links resolved.

    Raises InputError for any other: no file says what else is opened.
    """
    folder = header.resolve().parent
    try:
        path = (folder / name).resolve()
    except (OSError, ValueError, RuntimeError) as error:  # too long, with a zero byte, or a ring of links
        raise InputError(f"{header.name} names no file that could be opened", "no_voxels") from error
    if not path.is_relative_to(folder):
        raise InputError(f"{header.name} names a file outside its folder: put its voxels beside it", "outside")
    if not path.is_file():
        raise InputError(f"{header.name} names a file that is not beside it, or several: give all, as one", "no_voxels")
    return path
