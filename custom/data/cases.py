"""Lists of training cases: generated patients by seed, or pairs of image and label files."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")


def generated_cases(first_seed: int, count: int) -> list[dict[str, int]]:
    """Cases ``{"seed": first_seed}`` to ``{"seed": first_seed + count - 1}`` of the generator of hearts."""
    return [{"seed": seed} for seed in range(first_seed, first_seed + count)]


def image_label_cases(folder: str | Path) -> list[dict[str, str]]:
    """Pairs ``folder/images/NAME`` and ``folder/labels/NAME`` as ``{"image": path, "label": path}``, sorted by name.

    Raises:
        ValueError: a folder is missing, has no images, or an image lacks its label.
    """
    images, labels = Path(folder) / "images", Path(folder) / "labels"
    for needed in (images, labels):
        if not needed.is_dir():
            raise ValueError(f"training data need the folder {needed.name!r} in {Path(folder).name!r}")
    cases = []
    for image in sorted(images.iterdir()):
        if not image.name.lower().endswith(SUFFIXES):
            continue
        label = labels / image.name
        if not label.is_file():
            raise ValueError(f"images/{image.name} has no label file of the same name in labels/")
        cases.append({"image": str(image), "label": str(label)})
    if not cases:
        raise ValueError(f"no {', '.join(SUFFIXES)} image in {images.name!r} of {Path(folder).name!r}")
    return cases


def split_cases(cases: list[dict], validation: int) -> tuple[list[dict], list[dict]]:
    """Training and validation cases; the last ``validation`` ones are held out.

    Raises:
        ValueError: nothing is left to train on.
    """
    if validation >= len(cases):
        raise ValueError(f"{len(cases)} cases cannot spare {validation} for validation")
    return cases[: len(cases) - validation], cases[len(cases) - validation :]
