"""Whether a header that confuses directions is noticed: `python -m benchmarks.directions`.

Generated patients with contrast, by turns a cardiac CT and a whole chest, go through the shipped inference as they are,
and under headers that confuse each of the seven combinations of right and left, front and back, head and feet. These
without what costs time and could only add doubt: the varied images and the finer surfaces.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import fire
import numpy as np
from monai.bundle import ConfigParser
from tqdm import tqdm

from custom import load_model
from custom.configs import config_file
from custom.frames import voxel_to_ras
from custom.inference import InputError
from custom.inference.directions import NAMES
from custom.inference.quality.doubt import CHECK
from custom.networks.directions import FLIPS
from custom.prediction import Model
from custom.synthesis import Case, generate_case

KINDS = ("cardiac", "whole_chest")
QUICK = {"test_time_augmentation": [], "subdivision": 0}
COLUMNS = ("refused", "a chamber not `ok`", "by other reasons alone", "the reason names them")


def main(first_seed: int = 8000, count: int = 20, **overrides: Any) -> None:
    """Prints a row a kind of header: of how many patients each column is true.

    Args:
        first_seed: of the generated patients.
        count: how many.
        overrides: keys of inference.json, e.g. ``--directions_checkpoint directions.pt``.
    """
    parser = ConfigParser(ConfigParser.load_config_file(config_file("synthesize.json"))["kinds"])
    kinds = [parser.get_parsed_content(kind) for kind in KINDS]
    sound, quick = load_model(**overrides), load_model(**{**QUICK, **overrides})
    found = {axes: Counter() for axes in FLIPS}
    for number in tqdm(range(count), unit="patient"):
        case = generate_case(first_seed + number, kinds[number % len(kinds)])
        for axes in FLIPS:
            found[axes].update(told(quick if axes else sound, case, axes))
    print(f"| directions that the header confuses | {' | '.join(COLUMNS)} |\n|---{'|---' * len(COLUMNS)}|")
    for axes, counts in found.items():
        print(f"| {confused(axes) or 'none'} | {' | '.join(str(counts[column]) for column in COLUMNS)} |")


def told(model: Model, case: Case, axes: tuple[int, ...]) -> list[str]:
    """Which of `COLUMNS` are true of a case under a header that confuses `axes`."""
    try:
        report = model.predict(case.image, turned(case, axes)).report
    except InputError as error:
        chambers, sentences = [], [str(error)]
    else:
        chambers, sentences = report["structures"].values(), report["warnings"]
    said = f"confuses directions ({confused(axes)})" if axes else "confuses directions"
    true = (
        not chambers,
        any(checks["trust"] != "ok" for checks in chambers),
        any(without_directions(checks["doubts"]) >= CHECK for checks in chambers),
        any(said in sentence for sentence in sentences),
    )
    return [column for column, holds in zip(COLUMNS, true, strict=True) if holds]


def without_directions(doubts: dict[str, float]) -> float:
    """The whole doubt of a chamber but for the directions."""
    return 1 - float(np.prod([1 - doubt for reason, doubt in doubts.items() if reason != "directions"]))


def confused(axes: tuple[int, ...]) -> str:
    """What the report calls the directions of `axes`."""
    return ", ".join(NAMES[axis] for axis in axes)


def turned(case: Case, axes: tuple[int, ...]) -> np.ndarray:
    """The affine (4, 4) of a header that confuses the patient's `axes`; the image's middle stays in its place."""
    wrong, half = case.affine.copy(), (np.array(case.image.shape) - 1) / 2
    wrong[list(axes), :3] *= -1
    wrong[:3, 3] = voxel_to_ras(half, case.affine) - wrong[:3, :3] @ half
    return wrong


if __name__ == "__main__":
    fire.Fire(main)
