"""Which images a call means, what each is called and where its files go."""

from __future__ import annotations

import os
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from ..dicom import holds_dicom, is_dicom
from ..inputs import InputError
from .kinds import ARCHIVE_SUFFIX, ITK_SUFFIXES, NIFTI_SUFFIXES, is_archive, is_image
from .phase_files import phase_files, stem_of

_SUFFIXES = (*NIFTI_SUFFIXES, *ITK_SUFFIXES, ARCHIVE_SUFFIX)


def find_cases(
    input: str | PathLike | Sequence[str | PathLike],
    output_dir: str | PathLike | None = None,
    series_uid: str | None = None,
    study: bool = False,
) -> list[dict[str, str]]:
    """The cases that `input` names.

    A folder is one case, or a batch of cases. It is one case, with all that lies below it, where DICOM files lie
    directly in it (a DICOMDIR is enough), or where `series_uid` names the series to look for. Otherwise each NIfTI,
    NRRD or MHA file and each zip in it is a case, and so is each of its subfolders that holds DICOM at any depth. So
    the folder of one series, of several series mixed, or of a CD is one case; a folder of patients is a batch of
    patients; and a study whose series have a subfolder each is a batch of series, unless `series_uid` picks one. What
    is there and cannot be read is a case too: it fails by name.

    Args:
        input: a NIfTI, NRRD or MHA file; a DICOM file, which stands for its series; a zip of one case; a folder; or a
            list of these. In a folder of cases, other kinds of files and the label maps of earlier runs are passed
            over.
        output_dir: the folder for all outputs; None puts them next to each input.
        series_uid: the series that is read of a DICOM folder; None leaves the choice to the reader.
        study: a folder with DICOM below it is one case, also without `series_uid`: the phases of a beat may be series
            in a subfolder each; and so are files that are named as phases of one beat (see `phase_files`).

    Returns:
        One dictionary a case: `image` (path), `name` (stem of its outputs) and `folder` (where they go). None for an
        empty `input`, so that a configuration without data can still be put together.

    Raises:
        InputError: a path that does not exist, an unknown kind of file, a folder without a case, or two cases whose
            outputs would have the same names, or no name.
    """
    items = [input] if isinstance(input, (str, PathLike)) else list(input)
    items = [item for item in items if str(item)]
    paths = [path for item in items for path in _expand(Path(item).expanduser(), bool(series_uid) or study)]
    distinct = {(os.path.realpath(path.parent), path.name): path for path in paths}
    cases = [_case(path, output_dir) for path in distinct.values()]
    if study:
        cases = _beats(cases)
    _check_distinct(cases)
    return cases


def _expand(path: Path, one_case: bool) -> list[Path]:
    try:
        return _cases_at(path, one_case)
    except OSError as error:
        if os.path.lexists(path):  # a case, which fails by name and stops no other
            return [path]
        raise InputError(f"{path.name} cannot be opened: {error.strerror}", "unreadable") from error


def _cases_at(path: Path, one_case: bool) -> list[Path]:
    if path.is_file():
        if is_case(path):
            return [path]
        if is_dicom(path):
            return [path.parent if path.name.upper() == "DICOMDIR" else path]
        raise InputError(f"{path.name}: not a kind of image that is read here ({_kinds()})")
    if not path.is_dir():
        raise InputError(f"{path}: no such file or folder")
    os.stat(os.path.join(path, os.curdir))  # raises OSError where nothing in it can be read
    children = sorted(child for child in path.iterdir() if not child.name.startswith("."))
    unreadable = False
    for child in children:
        try:
            if child.is_file() and not is_case(child) and is_dicom(child):
                return [path]
        except OSError:
            unreadable = True
    if one_case and _holds_dicom(path):
        return [path]
    found = [child for child in children if _is_case_in_folder(child)]
    if not found and unreadable:
        return [path]
    if not found:
        raise InputError(f"{path.name}: the folder holds no image that is read here ({_kinds()})")
    return found


def _is_case_in_folder(child: Path) -> bool:
    try:
        return is_archive(child) or (child.is_file() and is_image(child)) or (child.is_dir() and _holds_dicom(child))
    except OSError:  # a case, as above
        return True


def _holds_dicom(folder: Path) -> bool:
    """Whether there is DICOM below a folder, or something that cannot be read: as a case, it fails by name."""
    try:
        return holds_dicom(folder)
    except OSError:
        return True


def is_case(path: Path) -> bool:
    """Whether a path is named like a file that is a case by itself, which DICOM files are not."""
    return path.name.lower().endswith(_SUFFIXES)


def _case(path: Path, output_dir: str | PathLike | None) -> dict[str, str]:
    """A DICOM file bears the name of its folder, and its outputs stand beside that."""
    is_file = os.path.isfile(path)
    for suffix in _SUFFIXES:
        if path.name.lower().endswith(suffix) and is_file:
            place, name = path, path.name[: -len(suffix)]
            break
    else:
        place = series_folder(path)
        name = place.name
    if not name.strip("."):
        raise InputError(f"{path.name or path}: there is no name in it for the outputs: rename it")
    return {"image": str(path), "name": name, "folder": str(output_dir or place.absolute().parent)}


def _beats(cases: list[dict[str, str]]) -> list[dict[str, str]]:
    """The cases, those of files that are phases of one beat as one, which is called what all of them are."""
    joined: dict[tuple[str, str], dict[str, str]] = {}
    for case in cases:
        path = Path(case["image"])
        stem = stem_of(path) if _has_kin(path) else None
        key = (case["image"], "") if stem is None else (os.path.dirname(case["image"]), stem)
        joined.setdefault(key, {**case, "name": stem or case["name"]})
    return list(joined.values())


def _has_kin(path: Path) -> bool:
    try:
        return bool(phase_files(path))
    except (InputError, OSError):  # which reading will tell of
        return True


def series_folder(path: Path) -> Path:
    """The folder of DICOM that a path means: itself, or that of the DICOM file that it is."""
    return Path(os.path.abspath(path.parent if path.is_file() else path))


def _kinds() -> str:
    return "a DICOM series, " + ", ".join(_SUFFIXES)


def _check_distinct(cases: list[dict[str, str]]) -> None:
    taken: dict[tuple[str, str], str] = {}
    for case in cases:
        first = taken.setdefault((os.path.realpath(case["folder"]), case["name"]), case["image"])
        if first != case["image"]:
            both = f"{Path(first).name} and {Path(case['image']).name}"
            raise InputError(
                f"{both} would write the same files {case['name']}_*: rename one, or name a DICOM series only once"
            )
