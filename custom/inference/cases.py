"""Which images a call means, what each is called and where its files go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path

from pydicom.misc import is_dicom

NIFTI_SUFFIXES = (".nii.gz", ".nii")
ITK_SUFFIXES = (".nrrd", ".nhdr", ".mha", ".mhd")
LABEL_MAP_ENDING = "_labels.nii.gz"


class InputError(ValueError):
    """An input, or a key of the call, cannot be used; the message says which, why and what to do."""


def find_cases(
    input: str | PathLike | Sequence[str | PathLike], output_dir: str | PathLike | None = None
) -> list[dict[str, str]]:
    """The cases that `input` names.

    Args:
        input: a NIfTI, NRRD or MHA file; a DICOM folder or one file of it; a folder of these; or a list of any of
            these. In a folder of cases, files of other kinds and the label maps of earlier runs are passed over.
        output_dir: the folder for all outputs; None puts them next to each input.

    Returns:
        One dictionary a case: `image` (path), `name` (stem of its outputs) and `folder` (where they go). None for an
        empty `input`, so that a configuration without data can still be put together.

    Raises:
        InputError: a path that does not exist, an unknown kind of file, a folder without a case, or two cases whose
            outputs would have the same names.
    """
    items = [input] if isinstance(input, (str, PathLike)) else list(input)
    items = [item for item in items if str(item)]
    paths = [path for item in items for path in _expand(Path(item).expanduser())]
    cases = [
        {"image": str(path), "name": _stem(path), "folder": str(output_dir or path.absolute().parent)}
        for path in dict.fromkeys(paths)
    ]
    _check_distinct(cases)
    return cases


def _expand(path: Path) -> list[Path]:
    if path.is_file():
        if _is_volume(path):
            return [path]
        if is_dicom(path):
            return [path.absolute().parent]
        raise InputError(f"{path.name}: not a kind of image that is read here ({_kinds()})")
    if not path.is_dir():
        raise InputError(f"{path}: no such file or folder")
    children = sorted(child for child in path.iterdir() if not child.name.startswith("."))
    if _holds_dicom(children):
        return [path]
    found = [
        child
        for child in children
        if (child.is_file() and _is_volume(child) and not child.name.endswith(LABEL_MAP_ENDING))
        or (child.is_dir() and _holds_dicom(sorted(child.iterdir())))
    ]
    if not found:
        raise InputError(f"{path.name}: the folder holds no image that is read here ({_kinds()})")
    return found


def _holds_dicom(children: Iterable[Path]) -> bool:
    return any(child.is_file() and not _is_volume(child) and is_dicom(child) for child in children)


def _is_volume(path: Path) -> bool:
    return path.name.lower().endswith(NIFTI_SUFFIXES + ITK_SUFFIXES)


def _stem(path: Path) -> str:
    for suffix in NIFTI_SUFFIXES + ITK_SUFFIXES:
        if path.name.lower().endswith(suffix) and path.is_file():
            return path.name[: -len(suffix)]
    return path.absolute().name


def _kinds() -> str:
    return "a DICOM series, " + ", ".join(NIFTI_SUFFIXES + ITK_SUFFIXES)


def _check_distinct(cases: list[dict[str, str]]) -> None:
    taken: dict[tuple[str, str], str] = {}
    for case in cases:
        first = taken.setdefault((case["folder"], case["name"]), case["image"])
        if first != case["image"]:
            both = f"{Path(first).name} and {Path(case['image']).name}"
            raise InputError(f"{both} would write the same files {case['name']}_*: rename one")
