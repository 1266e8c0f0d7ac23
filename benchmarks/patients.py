"""A folder of generated patients, as `python -m custom synthesize` writes it: what benchmarks ask of each."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from monai.bundle import ConfigParser

from custom.inputs import InputError
from custom.synthesis import Case, generate_case

CONFIGS = Path(__file__).resolve().parents[1] / "bundle" / "configs"
T = TypeVar("T")
WITHOUT = "non_contrast"
"""The kind of synthesize.json whose scans are counted in no mean of those with contrast."""


def cardiac_case(seed: int, shape: Sequence[int], spacing: Sequence[float]) -> Case:
    """A generated patient of the kind `cardiac` in synthesize.json, in a grid of so many voxels of so many mm."""
    kinds = ConfigParser(ConfigParser.load_config_file(CONFIGS / "synthesize.json"))
    return generate_case(seed, kinds.get_parsed_content("kinds#cardiac"), tuple(shape), tuple(spacing))


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
