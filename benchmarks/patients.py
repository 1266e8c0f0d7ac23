"""A folder of generated patients, as `python -m custom synthesize` writes it: what benchmarks ask of each."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from custom.inputs import InputError

T = TypeVar("T")
WITHOUT = "non_contrast"
"""The kind of synthesize.json whose scans are counted in no mean of those with contrast."""


def kinds_of(folder: Path) -> dict[str, str]:
    """Case to kind of scan, by `patients.csv`."""
    with open(folder / "patients.csv", newline="") as stream:
        return {row["case"]: row["kind"] for row in csv.DictReader(stream)}


def answers(folder: Path, ask: Callable[[Path], T]) -> Iterator[tuple[Path, str, T]]:
    """The image, the name and what `ask` gives of each patient; of a refused one the reason is printed instead."""
    for image in sorted((folder / "images").glob("*.nii.gz")):
        name = image.name.removesuffix(".nii.gz")
        try:
            answer = ask(image)
        except InputError as error:
            print(f"{name}: {error}\n")
            continue
        yield image, name, answer
