"""Lists of training and validation cases: generated patients by seed, or pairs of image and label files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from monai.data import load_decathlon_datalist

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
        ValueError: there are no cases to train on, or none to validate on; or see :func:`folder_cases`.
    """
    validation: list[dict[str, Any]] = []
    if data_list is not None:
        cases = load_decathlon_datalist(data_list, data_list_key="training")
        if "validation" in json.loads(Path(data_list).read_text()):
            validation = load_decathlon_datalist(data_list, data_list_key="validation")
    elif dataset_dir is not None:
        cases = folder_cases(dataset_dir)
    else:
        cases = [{"seed": seed} for seed in range(generated_first_seed, generated_first_seed + generated_count)]
    if not validation:
        kept = len(cases) - validation_count
        cases, validation = cases[: max(kept, 0)], cases[max(kept, 0) :]
    if not cases or not validation:
        raise ValueError(
            f"{len(cases)} training and {len(validation)} validation cases: both are needed; "
            f"validation_count is {validation_count}"
        )
    return {"training": cases, "validation": validation}


def folder_cases(folder: str | Path) -> list[dict[str, str]]:
    """Pairs ``{"image": path, "label": path}`` of a folder, see :func:`folder_pairs`.

    Raises:
        ValueError: the folder has neither layout, has no images, or an image lacks its label.
    """
    pairs = folder_pairs(folder)
    for image, label in pairs:
        if not label.is_file():
            where = Path(folder)
            raise ValueError(f"image {image.name} has no label {label.relative_to(where)} in {where.name!r}")
    return [{"image": str(image), "label": str(label)} for image, label in pairs]


def folder_pairs(folder: str | Path) -> list[tuple[Path, Path]]:
    """Each image of a folder and where its label belongs, be it there or not, sorted by name.

    Two layouts: ``images/NAME`` with ``labels/NAME``, or as in MM-WHS ``CASE_image.nii.gz`` beside
    ``CASE_label.nii.gz``.

    Raises:
        ValueError: the folder has neither layout, or no images.
    """
    folder = Path(folder)
    images = folder / "images"
    if images.is_dir():
        pairs = [(image, folder / "labels" / image.name) for image in _volumes(images)]
    else:
        named = [(image, *image.name.rpartition(IMAGE)) for image in _volumes(folder)]
        pairs = [
            (image, image.with_name(case + LABEL + suffix)) for image, case, _, suffix in named if suffix in SUFFIXES
        ]
    if not pairs:
        raise ValueError(
            f"no labelled images in {folder.name!r}: it needs images/NAME and labels/NAME, or CASE{IMAGE}.nii.gz and "
            f"CASE{LABEL}.nii.gz (also {', '.join(SUFFIXES[1:])})"
        )
    return pairs


def _volumes(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.name.lower().endswith(SUFFIXES))
