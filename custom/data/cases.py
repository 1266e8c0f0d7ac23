"""Lists of training and validation cases: generated patients by seed, or pairs of image and label files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from monai.data import load_decathlon_datalist

from ..inputs import InputError

SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")
IMAGE, LABEL = "_image", "_label"
"""Ends of the names of an image and its label where both lie in one folder."""


def list_cases(
    dataset_dir: str | Path | None,
    data_list: str | Path | None,
    generated_first_seed: int,
    generated_count: int,
    validation_count: int,
) -> dict[str, list[dict[str, Any]]]:
    """Cases for ``training`` and ``validation``, of a data list, else of a folder, else generated.

    Args:
        dataset_dir: folder of labelled images, see :func:`folder_cases`.
        data_list: JSON file in the manner of the Medical Segmentation Decathlon: ``training`` lists cases ``{"image":
            path, "label": path}``, paths relative to the file; ``validation`` may list others.
        generated_first_seed, generated_count: generated patients are ``{"seed": s}``, so many from the first on.
        validation_count: cases at the end that are kept for validation, unless the data list has its own.

    Raises:
        InputError: there are no cases to train on, or none to validate on; or see :func:`folder_cases`.
    """
    validation: list[dict[str, Any]] = []
    if data_list is not None:
        cases = listed_cases(data_list, "training")
        if "validation" in json.loads(Path(data_list).read_text()):
            validation = listed_cases(data_list, "validation")
    elif dataset_dir is not None:
        cases = folder_cases(dataset_dir)
    else:
        cases = [{"seed": seed} for seed in range(generated_first_seed, generated_first_seed + generated_count)]
    if not validation:
        kept = len(cases) - validation_count
        cases, validation = cases[: max(kept, 0)], cases[max(kept, 0) :]
    if not cases or not validation:
        raise InputError(
            f"{len(cases)} training and {len(validation)} validation cases: both are needed; "
            f"validation_count is {validation_count}"
        )
    return {"training": cases, "validation": validation}


def listed_cases(file: str | Path, key: str) -> list[dict[str, Any]]:
    """The cases that a data list names under a key, their paths relative to the file.

    Raises:
        InputError: there is no such file, or it is no data list, or has no such key, or a case's file is absent.
    """
    try:
        cases = load_decathlon_datalist(Path(file).expanduser(), data_list_key=key)
        absent = [path for case in cases for path in case.values() if path and not Path(path).is_file()]
    except (ValueError, TypeError, AttributeError, OSError) as error:
        message = (
            f"{Path(file).name} is no data list with cases under `{key}`, as the Medical Segmentation Decathlon has"
        )
        raise InputError(message) from error
    if absent:
        raise InputError(
            f"{Path(file).name} names {Path(absent[0]).name}, which is not there ({len(absent)} such files)"
        )
    return cases


def folder_cases(folder: str | Path) -> list[dict[str, str]]:
    """Pairs ``{"image": path, "label": path}`` of a folder, see :func:`folder_pairs`.

    Raises:
        InputError: the folder has neither layout, has no images, or an image lacks its label.
    """
    pairs = folder_pairs(folder)
    for image, label in pairs:
        if not label.is_file():
            where = Path(folder)
            raise InputError(f"image {image.name} has no label {label.relative_to(where)} in {where.name!r}")
    return [{"image": str(image), "label": str(label)} for image, label in pairs]


def folder_pairs(folder: str | Path) -> list[tuple[Path, Path]]:
    """Each image of a folder and where its label belongs, be it there or not, sorted by name.

    Two layouts: ``images/NAME`` with ``labels/NAME``, or as in MM-WHS ``CASE_image.nii.gz`` beside
    ``CASE_label.nii.gz``.

    Raises:
        InputError: the folder has neither layout, or no images.
    """
    folder = Path(folder).expanduser()
    images = folder / "images"
    if images.is_dir():
        pairs = [(image, folder / "labels" / image.name) for image in _volumes(images)]
    else:
        named = [(image, *image.name.rpartition(IMAGE)) for image in _volumes(folder)]
        pairs = [
            (image, image.with_name(case + LABEL + suffix)) for image, case, _, suffix in named if suffix in SUFFIXES
        ]
    if not pairs:
        raise InputError(
            f"no labelled images in {folder.name!r}: it needs images/NAME and labels/NAME, or CASE{IMAGE}.nii.gz and "
            f"CASE{LABEL}.nii.gz (also {', '.join(SUFFIXES[1:])})"
        )
    return pairs


def _volumes(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.name.lower().endswith(SUFFIXES))
