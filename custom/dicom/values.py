"""What a header says: its numbers and words as far as they can be read, and which of these may be printed.

A header is written by anyone. A tag that holds what it must not counts as absent, and who needs it says so by its name;
of words, messages and reports quote known terms and valid UIDs only, for all else may name a patient.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import Tag

LONGEST_TEXT = 1024
"""Characters of a text that are looked at; DICOM allows 64 for most."""
PADDING = " \0"
"""What fills a value up to an even length."""
LARGEST_NUMBER = 2.0**31
"""That an integer of a header can be, and no length or time of a scan reaches."""
UNKNOWN = "unknown"
MODALITIES = frozenset(
    "AU CR CT DOC DX ECG ES IO IVUS KO M3D MG MR NM OCT OP OT PR PT PX REG RF RTDOSE RTIMAGE RTPLAN RTRECORD RTSTRUCT "
    "RWV SC SEG SM SR US XA XC".split()
)
PHOTOMETRIC = frozenset(
    {"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "HSV", "ARGB", "CMYK", "XYB"}
    | {f"YBR_{kind}" for kind in ("FULL", "FULL_422", "PARTIAL_422", "PARTIAL_420", "ICT", "RCT")}
)
RESCALE_TYPES = frozenset("HU US OD MGML Z_EFF ED EDW HU_MOD PCT".split())
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST_UID = 64


_tag = cache(Tag)


def value_of(dataset: Dataset, tag: str | int) -> Any:
    """The value of a tag; None where it is absent, empty or unreadable."""
    try:
        value = dataset[_tag(tag)].value
    except Exception:  # damaged values raise whatever they reach in pydicom
        return None
    return None if isinstance(value, (str, bytes)) and not value else value


def text_of(dataset: Dataset, tag: str) -> str:
    """A text without its padding; empty where it is absent or unreadable."""
    value = value_of(dataset, tag)
    try:
        return "" if value is None else str(value).strip(PADDING)[:LONGEST_TEXT]
    except Exception:  # as above, of a name in a character set that it is not in
        return ""


def items_of(dataset: Dataset, tag: str | int) -> list[Dataset]:
    """The items of a sequence; none where it is absent or unreadable."""
    value = value_of(dataset, tag)
    return list(value) if isinstance(value, Sequence) else []


def numbers(value: Any) -> list[float] | None:
    """The numbers of a value; None where any of them is something else or beyond all bounds, or there is none."""
    parts = value if isinstance(value, (MultiValue, list, tuple)) else [value]
    try:
        found = [float(part) for part in parts]
    except (TypeError, ValueError, OverflowError):
        return None
    return found if found and all(abs(part) <= LARGEST_NUMBER for part in found) else None


def number(value: Any) -> float | None:
    """A value that is one number; None where it is something else."""
    found = numbers(value)
    return found[0] if found is not None and len(found) == 1 else None


def known(word: str, terms: Collection[str]) -> str:
    """A word in capitals if it is one of `terms`, else `UNKNOWN`."""
    word = word.strip(PADDING).upper()
    return word if word in terms else UNKNOWN


def is_uid(text: str) -> bool:
    """Whether a text is a UID: digits and dots, 64 at most."""
    return len(text) <= _LONGEST_UID and _UID.fullmatch(text) is not None


def quotable(uid: str) -> str:
    """A UID if it is one, else a word for what is none."""
    return uid if is_uid(uid) else "(an invalid UID)"
