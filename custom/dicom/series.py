"""Which of the series in a folder is the cardiac CT: the best stack by the rules of `stack`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydicom.dataset import Dataset

from ..inputs import Findings, InputError
from .headers import Found, series_of
from .patients import check_one_patient
from .slices import is_ct, slices_of
from .stack import PROJECTED, Stack
from .values import MODALITIES, PADDING, known, quotable, text_of
from .wholeness import check_directory, check_files, check_uids, slices_in


def choose_stack(found: Found, series_uid: str | None, findings: Findings) -> tuple[Stack, list[Stack], dict[str, Any]]:
    """The stack to read, the others from the best on, and the choice for the report: the stack itself, `chosen_by` and
    `alternatives`.

    Args:
        found: what lies below a folder.
        series_uid: the SeriesInstanceUID to take; None chooses by the module's rules.
        findings: gets a warning where a choice was made, files were damaged, or images of the series left out.

    Raises:
        InputError: no CT series, `series_uid` not among them, DICOM of two patients, a slice that lies nowhere, a
            series whose slices bear several UIDs, files that cannot be read, or slices absent that a DICOMDIR names.
    """
    series_uid = series_uid.strip(PADDING) if series_uid else None
    check_files(found, findings)
    headers = [header for header in found.headers if not series_uid or series_of(header) == series_uid]
    if not headers:
        there = ", ".join(sorted({quotable(series_of(header)) for header in found.headers}))
        raise InputError(f"the folder holds no series {quotable(series_uid)}; there are {there}", "no_series")
    check_one_patient(headers)
    everything, problems = _stacks(header for header in found.headers if is_ct(header))
    stacks = [stack for stack in everything if not series_uid or stack.series_uid == series_uid]
    candidates = [stack for stack in stacks if not stack.slices[0].is_localizer]
    if not candidates:
        for header in headers:
            if series_of(header) in problems:
                raise problems[series_of(header)]
        modalities = ", ".join(sorted({known(text_of(header, "Modality"), MODALITIES) for header in headers}))
        what = "but localizers" if stacks else f"(modalities: {modalities})"
        raise InputError(f"the folder holds no CT images {what}: only CT is read", "no_ct")
    candidates = [stack for stack in candidates if len(stack.slices) > 1] or candidates
    best, *others = sorted(candidates, key=lambda stack: tuple(stack.merits().values()), reverse=True)
    if best.series_uid in problems:
        raise problems[best.series_uid]
    check_uids(best, [stack for stack in everything if not stack.slices[0].is_localizer], findings)
    check_directory(best.series_uid, found, findings)
    left_out = slices_in([stack for stack in stacks if stack is not best and stack.series_uid == best.series_uid])
    of_other_kinds = (header for header in headers if series_of(header) == best.series_uid and not is_ct(header))
    left_out += sum("Rows" in header for header in of_other_kinds)
    if left_out:
        findings.warn(
            "left_out", f"{left_out} images of the series lie in another plane or differ in size or kind: left out"
        )
    if PROJECTED & set(best.slices[0].image_type):
        findings.warn(
            "projected", "the series shows the extremes of thick slabs, not slices: surfaces lie off the wall"
        )
    rule = _reason(best, others, series_uid)
    if others and not series_uid:
        sentence = (
            f"one of {len(candidates)} CT series was taken by the rule `{rule}`: see the report, or set `series_uid`"
        )
        findings.warn("several_series", sentence)
    choice = {**best.describe(), "chosen_by": rule, "alternatives": [stack.describe() for stack in others]}
    return best, others, choice


def _stacks(headers: Iterable[Dataset]) -> tuple[list[Stack], dict[str, InputError]]:
    """The stacks, and for each series with a slice that cannot be had, why: only the chosen one is refused for it."""
    stacks: dict[str, list[Stack]] = {}
    problems: dict[str, InputError] = {}
    for header in headers:
        uid = series_of(header)
        of_series = stacks.setdefault(uid, [])
        try:
            parts = slices_of(header)
        except InputError as problem:
            problems.setdefault(uid, problem)
            continue
        for part in parts:
            home = next((stack for stack in of_series if stack.accepts(part)), None)
            if home is None:
                home = Stack(uid, header)
                of_series.append(home)
            home.slices.append(part)
    return [stack for of_series in stacks.values() for stack in of_series], problems


def _reason(best: Stack, others: list[Stack], series_uid: str | None) -> str:
    if not others:
        return "series_uid" if series_uid else "only_candidate"
    mine, next_best = best.merits(), others[0].merits()
    return next((rule for rule in mine if mine[rule] != next_best[rule]), "first_found")
