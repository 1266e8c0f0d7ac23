"""Small files that may be anything, above all JSON."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Collection
from os import PathLike
from typing import Any

LARGEST = 64 * 2**20
"""Bytes of a file that is read."""


def read_json(path: str | PathLike) -> Any:
    """What a JSON file holds.

    Raises ValueError where there is none, or it is no regular file, too large, too deep, or no JSON.
    """
    try:
        return json.loads(read_small(path), parse_constant=_refuse)
    except (OSError, RecursionError) as error:
        raise ValueError(type(error).__name__) from error


def read_small(path: str | PathLike) -> bytes:
    """The content of a regular file of at most `LARGEST` bytes.

    Raises OSError where it cannot be read, ValueError where it is another kind of file, or larger.
    """
    # A pipe that nobody writes into would hold up an ordinary opening.
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb") as stream:
        found = os.fstat(stream.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
            raise ValueError("no regular file, or too large")
        return stream.read(LARGEST)


def is_foreign(path: str | PathLike, keys: Collection[str]) -> bool:
    """Whether another program or a person wrote what stands at `path`, where a run of ours would have written JSON.

    It is ours with one of the `keys`. What tells nothing is nobody's: no file, a pipe, JSON that is cut off, too large
    or no object. A text that is no JSON, an object of other keys and what may not be read are foreign.
    """
    try:
        content = read_small(path).strip()
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    try:
        found = json.loads(content or b"{}")
    except RecursionError:
        return False
    except ValueError:
        return not content.startswith((b"{", b"["))
    return isinstance(found, dict) and bool(found) and not any(key in found for key in keys)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
