"""What inference says where there is no heart to find, or not as a CT shows it: `python -m benchmarks.no_heart`.

Each image is given to the shipped inference as it is, and again with `force`: what is refused is told by name, and what
comes out all the same should not be trusted. Bodies are of a generated patient that no weights were trained on; where
they hold the chambers, the surfaces' Dice stands behind the trust.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import fire
import numpy as np
from monai.bundle import ConfigParser
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.stability import CT, cut
from custom import load_model
from custom.chambers import LABELS, LEFT_HEART
from custom.configs import config_file
from custom.frames import centred_affine, voxel_to_ras
from custom.inference import InputError
from custom.metrics import dice
from custom.prediction import Model
from custom.synthesis import Case, Kind, generate_case

SPACING = 2.5
"""mm, of all images."""
SIDE = 96
"""Voxels a side, 240 mm, of images without a body."""
BODY = (140, 140, 180)
"""Voxels of a body, 350 x 350 x 450 mm with the heart in the middle: from the shoulders to the belly."""
MARGIN = 4
"""Voxels, 10 mm, that an image of another part of the body keeps away from the chambers."""
MR = ((-1000, 20), (-100, 700), (50, 300), (300, 500), (1500, 60))
"""HU, and the value that an MR gives the tissue: lung, fat, muscle, blood with contrast, bone."""


def main(seed: int = 900100, **overrides: Any) -> None:
    """Prints a row an image: what became of it, and the chambers' trust, without and with `force`.

    Args:
        seed: of the generated patient.
        overrides: keys of inference.json, e.g. ``--checkpoint model.pt``.
    """
    models = load_model(**overrides), load_model(**{**overrides, "force": True})
    print("| image | outcome | with `force` |\n|---|---|---|")
    for name, ct, labels in tqdm(images(seed), unit="image"):
        print(f"| {name} | " + " | ".join(told(model, ct, labels) for model in models) + " |", flush=True)


def told(model: Model, ct: CT, labels: NDArray | None) -> str:
    """Trust in each chamber, and its Dice if the image holds it, or why the image was refused."""
    try:
        found = model.predict(ct.values, ct.affine)
    except InputError as error:
        return f"refused: `{error.outcome}`"
    said = []
    for name in LEFT_HEART:
        said.append(f"{name} `{found.report['structures'][name]['trust']}`")
        if labels is not None:
            said[-1] += f" {dice(found.label_map == LABELS[name], labels == LABELS[name]):.3f}"
    return ", ".join(said)


def images(seed: int) -> Iterator[tuple[str, CT, NDArray | None]]:
    """Name of each image, the image, and the chambers' labels (D0, D1, D2), if it holds them."""
    empty, affine = np.full((SIDE,) * 3, -1000.0), centred_affine((SIDE,) * 3, (SPACING,) * 3)
    yield "air", CT(empty, affine), None
    random = np.random.default_rng(0)
    for mean, deviation in ((0, 300), (200, 100)):
        yield f"noise of {mean} ± {deviation} HU", CT(random.normal(mean, deviation, empty.shape), affine), None
    points = np.moveaxis(voxel_to_ras(np.indices(empty.shape).reshape(3, -1).T, affine).reshape(*empty.shape, 3), -1, 0)
    yield "a cylinder of water", CT(water(points), affine), None
    yield "a head", CT(head(points) + random.normal(0, 10, empty.shape), affine), None
    body = whole_body(seed)
    chest, labels = CT(body.image.astype(float), body.affine), body.labels
    chambers, plane = np.flatnonzero((labels > 0).any((0, 1))), (slice(None),) * 2
    yield "a belly", cut(chest, (*plane, slice(chambers[0] - MARGIN))), None
    yield "neck and shoulders", cut(chest, (*plane, slice(chambers[-1] + MARGIN, None))), None
    lit = np.interp(chest.values, *zip(*MR, strict=True))
    yield "MR-like values of a whole chest", chest._replace(values=lit), labels
    for name, axis in (("right and left", 0), ("head and feet", 2)):
        flipped = chest._replace(values=np.flip(chest.values, axis))
        yield f"a chest whose header confuses {name}", flipped, np.flip(labels, axis)
    yield "the same chest as it is", chest, labels


def water(points: NDArray) -> NDArray:
    """HU at points (3, ...), RAS mm: 200 mm wide, with four rods, as scanners are checked."""
    values = np.where(np.hypot(points[0], points[1]) < 100, 0.0, -1000.0)
    for angle, rod in enumerate((-100.0, 120.0, 340.0, 990.0)):
        x, y = 60 * np.cos(angle * np.pi / 2), 60 * np.sin(angle * np.pi / 2)
        values[np.hypot(points[0] - x, points[1] - y) < 15] = rod
    return values


def head(points: NDArray) -> NDArray:
    """HU at points (3, ...), RAS mm: scalp, skull, brain and its ventricles, an airway."""
    values = np.full(points.shape[1:], -1000.0)
    for size, value in (((80, 98, 95), 40.0), ((75, 93, 90), 900.0), ((68, 86, 83), 35.0)):
        values[inside(points, (0, 0, 0), size)] = value
    for side in (-1, 1):
        values[inside(points, (side * 14, 5, 10), (8, 30, 14))] = 8.0
    values[inside(points, (0, 60, -60), (14, 18, 25))] = -1000.0
    return values


def inside(points: NDArray, centre: tuple[float, ...], size: tuple[float, ...]) -> NDArray[np.bool_]:
    """Which points (3, ...) lie in an ellipsoid, mm."""
    return sum(((axis - c) / s) ** 2 for axis, c, s in zip(points, centre, size, strict=True)) < 1


def whole_body(seed: int) -> Case:
    """A patient with contrast from the shoulders to the belly."""
    kinds = ConfigParser(ConfigParser.load_config_file(config_file("synthesize.json"))["kinds"])
    kind: Kind = kinds.get_parsed_content("whole_chest")
    return generate_case(seed, replace(kind, offset=(0, 0)), BODY, (SPACING,) * 3)


if __name__ == "__main__":
    fire.Fire(main)
