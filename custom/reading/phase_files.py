"""The phases of a beat as files of one volume each, which say in their names which they are: `ct_p05.nii.gz`,
`ct_75%.nii.gz`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from ..inputs import InputError
from .kinds import ITK_SUFFIXES, NIFTI_SUFFIXES

_NAME = re.compile(r"(?P<stem>.+?)[ _-](?:p(?P<short>\d{1,2}(?:\.\d+)?)|(?P<long>\d{1,2}(?:\.\d+)?) ?(?:%|pct))")


class PhaseFile(NamedTuple):
    """A file of one phase."""

    percent: float
    """Of the cardiac cycle."""
    path: Path


def stem_of(path: Path) -> str | None:
    """What the files of a beat are called but for their phase; None where a name tells none."""
    matched = _matched(path)
    return None if matched is None else matched["stem"]


def phase_files(path: Path) -> list[PhaseFile]:
    """The files that a file of a phase belongs to, itself among them, in the order of their phases; none where there is
    no other.

    Raises InputError where two are of one phase.
    """
    stem, found = stem_of(path), []
    for other in sorted(path.absolute().parent.iterdir()) if stem is not None else ():
        if stem_of(other) == stem and other.is_file():
            matched = _matched(other)
            found.append(PhaseFile(float(matched["short"] or matched["long"]), other))
    found.sort()
    for one, next_one in zip(found, found[1:], strict=False):
        if round(one.percent) == round(next_one.percent):
            sentence = f"{one.path.name} and {next_one.path.name} are of one phase: take one out"
            raise InputError(sentence, "doubled_phase")
    return found if len(found) > 1 else []


def _matched(path: Path) -> re.Match[str] | None:
    for suffix in (*NIFTI_SUFFIXES, *ITK_SUFFIXES):
        if path.name.lower().endswith(suffix):
            return _NAME.fullmatch(path.name[: -len(suffix)])
    return None
