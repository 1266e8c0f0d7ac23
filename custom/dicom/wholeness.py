"""Whether all of a series is there: files that cannot be read, files that a DICOMDIR names, slices under other UIDs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..inputs import Findings, InputError
from .headers import Found
from .phases import places_of
from .stack import FEWEST, Stack
from .values import text_of


def check_files(found: Found, findings: Findings) -> None:
    """Refuse a folder with something in it that cannot be read; warn of damaged files.

    Raises InputError, but with `force`, or where the folder holds no DICOM at all.
    """
    if found.unreadable:
        first = found.unreadable[0]
        where = f"{Path(first.filename).name}: {first.strerror}" if first.filename else first.strerror
        findings.refuse(
            "unreadable_files",
            f"{len(found.unreadable)} files or folders cannot be read ({where}): slices may be among them",
        )
    if found.damaged:
        findings.warn("damaged_files", f"{found.damaged} damaged DICOM files were passed over")
    if not found.headers:
        raise InputError("the folder holds no DICOM series that can be read", "no_ct")


def check_directory(series_uid: str, found: Found, findings: Findings) -> None:
    """Refuse a series of which a DICOMDIR names files that are absent, with InputError."""
    here = {text_of(header, "SOPInstanceUID") for header in found.headers}
    if absent := len(found.named.get(series_uid, set()) - here):
        findings.refuse(
            "absent_files", f"{absent} files of the series that the DICOMDIR names are absent: copy all of it"
        )


def check_uids(best: Stack, stacks: Sequence[Stack], findings: Findings) -> None:
    """Refuse, with InputError, a part of a series whose slices bear several SeriesInstanceUIDs.

    Such parts are of one study and plane, no two of their slices lie at one place, and either all bear one SeriesNumber
    or each is too small for a heart.

    Args:
        best: the stack that was chosen.
        stacks: all there are, localizers left out.
        findings: gets a warning instead of the refusal where `force` is set and there is a volume to read.
    """
    groups: list[list[Stack]] = []
    for stack in stacks:
        home = next((group for group in groups if _akin(group[0], stack)), None)
        if home is None:
            groups.append(home := [])
        home.append(stack)
    # A single slice is part of no volume, and need not be one of the many.
    parts = max((group for group in groups if len(best.slices) == 1 or best in group), key=slices_in)
    places = places_of([part for stack in parts for part in stack.slices])
    few, most = min(len(stack.slices) for stack in parts), max(len(stack.slices) for stack in parts)
    if 2 * most > len(places) or len(set(places)) < len(places):
        return
    each = f"{few} to {most} slices" if few < most else f"{most} slices" if most > 1 else "one slice"
    sentence = (
        f"{len(parts)} series of {each} each lie in one stack: were the UIDs changed? Export the series anew, with one "
        "SeriesInstanceUID"
    )
    if most == 1:
        raise InputError(sentence, "changed_uids")
    findings.refuse("changed_uids", sentence)


def _akin(first: Stack, second: Stack) -> bool:
    return (
        first.accepts(second.slices[0])
        and (max(len(first.slices), len(second.slices)) < FEWEST or first.number == second.number is not None)
        and text_of(first.header, "StudyInstanceUID") == text_of(second.header, "StudyInstanceUID")
    )


def slices_in(stacks: Sequence[Stack]) -> int:
    """How many slices some stacks have together."""
    return sum(len(stack.slices) for stack in stacks)
