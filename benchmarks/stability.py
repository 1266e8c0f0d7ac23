"""How firm the surfaces of one CT are, without labels: `python -m benchmarks.stability IMAGE`.

The CT is changed in ways that leave the heart what it is, goes through the shipped inference again, and the chambers
are compared with those of the unchanged CT, voxel by voxel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import fire
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from custom import load_model
from custom.chambers import LABELS, LEFT_HEART
from custom.frames import spacing_of, voxel_to_ras
from custom.inference import LoadCTd
from custom.metrics import dice

TISSUE = 50.0
"""HU above which contrast agent is seen."""


AXES = ("right to left", "back to front", "feet to head")
"""The patient's, RAS."""


class CT(NamedTuple):
    """Values (D0, D1, D2) in HU, and their voxels to RAS mm (4, 4)."""

    values: NDArray
    affine: NDArray


def main(image: str, **overrides: Any) -> None:
    """Prints a row a change: volume of each chamber, Dice with the unchanged CT's, and the report's trust.

    Args:
        image: what inference takes: a file, or a DICOM folder.
        overrides: keys of inference.json, e.g. ``--checkpoint model.pt``.
    """
    model = load_model(**overrides)
    loaded = LoadCTd("image", series_uid=None, phase=None, hu_offset=0, force=False)({"image": image})["image"]
    ct = CT(np.asarray(loaded)[0], np.asarray(loaded.affine))
    first = model.predict(*ct)
    print("| change | " + " | ".join(f"{name} mL | Dice | trust" for name in LEFT_HEART) + " |")
    print("|---" * (1 + 3 * len(LEFT_HEART)) + "|")
    for name, changed, kept in tqdm(changes(ct, first.label_map > 0), unit="change"):
        found = model.predict(*changed)
        cells = [name]
        for structure in LEFT_HEART:
            overlap = dice(found.label_map == LABELS[structure], first.label_map[kept] == LABELS[structure])
            checks = found.report["structures"][structure]
            cells += [f"{checks['volume_ml']:.0f}", f"{overlap:.3f}", checks["trust"]]
        print("| " + " | ".join(cells) + " |", flush=True)


def changes(ct: CT, chambers: NDArray[np.bool_]) -> Iterator[tuple[str, CT, tuple[slice, ...]]]:
    """Name of each change, the CT changed, and the voxels of ``ct`` that its voxels are."""
    whole = (slice(None),) * 3
    yield "none", ct, whole
    middle = voxel_to_ras(np.argwhere(chambers).mean(0), ct.affine)
    for margin in (30, 15, 5):
        box = around(chambers, margin / spacing_of(ct.affine))
        yield f"cut {margin} mm around the chambers", cut(ct, box), box
    for axis, name in enumerate(AXES):
        for degrees in (-15, 15):
            turned = CT(ct.values, about(middle, rotation(axis, degrees)) @ ct.affine)
            yield f"turned by {degrees}° about {name}", turned, whole
    yield "turned by 30° about feet to head", CT(ct.values, about(middle, rotation(2, 30)) @ ct.affine), whole
    for factor in (0.85, 1.15):
        yield f"{factor} times the size", CT(ct.values, about(middle, factor * np.eye(3)) @ ct.affine), whole
    random = np.random.default_rng(0)
    for noise in (60, 150):
        yield f"noise of {noise} HU", CT(ct.values + random.normal(0, noise, ct.values.shape), ct.affine), whole
    for factor in (0.6, 1.4):
        lit = TISSUE + factor * (ct.values - TISSUE)
        yield f"{factor} times the contrast", CT(np.where(ct.values > TISSUE, lit, ct.values), ct.affine), whole
    yield (
        "slices four times as thick",
        CT(thickened(ct.values, int(spacing_of(ct.affine).argmax()), 4), ct.affine),
        whole,
    )


def cut(ct: CT, box: tuple[slice, ...]) -> CT:
    """The part of a CT in a box of voxels, where it is in the patient."""
    affine = ct.affine.copy()
    affine[:3, 3] = voxel_to_ras(np.array([side.start or 0 for side in box]), ct.affine)
    return CT(ct.values[box], affine)


def around(mask: NDArray[np.bool_], margin: NDArray) -> tuple[slice, ...]:
    """The box of a mask, with so many voxels more on each side where the grid has them."""
    where = np.argwhere(mask)
    low, high = where.min(0) - margin.astype(int), where.max(0) + 1 + margin.astype(int)
    return tuple(slice(max(a, 0), min(b, size)) for a, b, size in zip(low, high, mask.shape, strict=True))


def rotation(axis: int, degrees: float) -> NDArray:
    """(3, 3) about one of the patient's axes."""
    i, j = [k for k in range(3) if k != axis]
    turn = np.eye(3)
    turn[i, i] = turn[j, j] = np.cos(np.radians(degrees))
    turn[j, i] = np.sin(np.radians(degrees))
    turn[i, j] = -turn[j, i]
    return turn


def about(middle: NDArray, linear: NDArray) -> NDArray:
    """(4, 4) of a linear map (3, 3) that leaves a point, RAS mm, where it is."""
    affine = np.eye(4)
    affine[:3, :3] = linear
    affine[:3, 3] = middle - linear @ middle
    return affine


def thickened(values: NDArray, axis: int, slices: int) -> NDArray:
    """Each slice as the mean of a group of so many; those of an incomplete group at the end stay."""
    thick = np.moveaxis(values.copy(), axis, 0)
    for start in range(0, len(thick) - slices + 1, slices):
        thick[start : start + slices] = thick[start : start + slices].mean(0)
    return np.moveaxis(thick, 0, axis)


if __name__ == "__main__":
    fire.Fire(main)
