"""Lists of training cases: generated patients by seed, or pairs of image and label files."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")


def list_cases(
    dataset_dir: str | Path | None, generated_first_seed: int, generated_count: int
) -> list[dict[str, int]] | list[dict[str, str]]:
    """Pairs of files in ``dataset_dir`` (see :func:`image_label_cases`), or without one generated patients.

    Generated patients are ``{"seed": generated_first_seed}`` and the ``generated_count - 1`` seeds that follow.
    """
    if dataset_dir is not None:
        return image_label_cases(dataset_dir)
    return [{"seed": seed} for seed in range(generated_first_seed, generated_first_seed + generated_count)]


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
