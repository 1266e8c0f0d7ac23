"""What generated patients are like beside real ones: `python -m benchmarks.population`.

Measured on painted structure maps, upright and unbent by any network. Real ranges: 19 hearts of healthy adults at
end-diastole (Rodero et al., PLoS Comput Biol 2021; atria without veins and appendage) and, for cross-sections, four CTs
with contrast outlined by the shipped weights; RV over LV is the usual one of adults, where nothing stands none is known
here. Diseases are far commoner among generated patients, so that their ranges are meant to be wider.

With `--pictures` axial and long-axis planes of generated patients are drawn, below those of the CTs in `--real`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import fire
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from tqdm import tqdm

from benchmarks.heart_pictures import draw_pictures
from custom.frames import centred_affine, voxel_to_ras
from custom.synthesis.painting import draw_patient, paint
from custom.synthesis.structures import LABELLED, Structure, label_map

SHAPE, SPACING = (104, 104, 104), 2.0
VALUES = {name: number for number, name in enumerate(LABELLED, 1)}
ABOVE, BELOW = (14, 6, 3), (3, 9)
"""mm from the mitral plane, towards the atrium and towards the ventricle, at which cross-sections are taken."""

REAL = {
    "LV mL": "98 to 144 (end-diastole)",
    "LA mL": "89 to 103",
    "RV / LV": "1.0 to 1.4",
    "RA / LA": "",
    "mitral annulus, width mm": "35 [30 to 42]",
    "mitral annulus, depth mm": "28 [23 to 33]",
    "mitral annulus to LV axis, degrees": "8.2 [2.2 to 21.6]",
    "mitral to aortic centre mm": "27.3 [24.0 to 30.7]",
    "aortic annulus to horizontal, degrees": "37 to 48",
    "LA shortest extent / cube root of volume": "0.81 [0.62 to 0.88]",
    "LA volume / its box": "0.68 [0.62 to 0.74]",
    "centres of LA and LV mm": "65.7 [54.8 to 71.1]",
    "LA 14 mm above the mitral plane cm2": "11 to 16",
    "LA 6 mm above the mitral plane cm2": "8 to 10",
    "LA 3 mm above the mitral plane cm2": "6 to 8",
    "LV 3 mm below the mitral plane cm2": "8 to 19",
    "LV 9 mm below the mitral plane cm2": "10 to 22",
    "LV at its widest cm2": "",
    "RA to RV contact cm2": "the valve alone",
    "RV to pulmonary artery contact cm2": "6",
    "RV length / LV length": "nearly 1",
    "lung under the heart, share": "",
    "middle of seven structures mm, right": "5",
    "middle of seven structures mm, anterior": "20",
}
"""What real hearts have: a median [least to largest], or a range."""


def main(
    count: int = 20, first_seed: int = 0, pictures: str | None = None, real: str | None = None, shown: int = 6
) -> None:
    """Prints a row a measure: real hearts, and generated ones' median and 5th to 95th percentile.

    Args:
        count: of patients.
        first_seed: of the first.
        pictures: a folder that receives `axial.png` and `long_axis.png` of the first patients.
        real: a folder of CTs, files or DICOM folders, drawn above them; their planes are laid through the surfaces of
            the shipped inference.
        shown: patients that are drawn.
    """
    with torch.no_grad():
        if pictures:
            draw_pictures(Path(pictures), range(first_seed, first_seed + shown), Path(real) if real else None)
        found = [measure(seed) for seed in tqdm(range(first_seed, first_seed + count), unit="patient")]
    print(f"| | real | generated ({len(found)}), median [p5 to p95] |\n|---|---|---|")
    for name, usual in REAL.items():
        values = [figures[name] for figures in found if np.isfinite(figures[name])]
        low, middle, high = np.percentile(values, (5, 50, 95)) if values else [np.nan] * 3
        print(f"| {name} | {usual} | {middle:.3g} [{low:.3g} to {high:.3g}] |")


def measure(seed: int) -> dict[str, float]:
    """Figures of one patient, by the names of `REAL`; NaN where a structure is not there."""
    affine = centred_affine(SHAPE, (SPACING,) * 3, (5.0, 15.0, 0.0))
    patient = draw_patient(seed)
    structures = paint(patient, affine, SHAPE)
    return figures(structures.numpy(), label_map(structures, VALUES).numpy(), affine)


def figures(structures: NDArray, labels: NDArray, affine: NDArray) -> dict[str, float]:
    """Figures of a structure map and its labels (D0, D1, D2), values of `Structure` and `VALUES`."""
    masks = {name: labels == value for name, value in VALUES.items()}
    body = structures == int(Structure.LA_BLOOD)  # without veins and appendage
    points = {name: voxel_to_ras(np.argwhere(mask), affine) for name, mask in (masks | {"body": body}).items()}
    millilitre = SPACING**3 / 1e3
    volume = {name: len(found) * millilitre for name, found in points.items()}
    mitral, normal, patch = contact(body, masks["LV"], affine)
    axis = principal_axes(points["LV"])[0]
    axis = axis * np.sign(axis @ normal)
    aortic, outward, _ = contact(masks["LV"], masks["AO"], affine)
    la, lv = points["body"].mean(0), points["LV"].mean(0)
    ends = np.percentile(points["body"] @ principal_axes(points["body"]).T, (1, 99), axis=0)
    extents = ends[1] - ends[0] + SPACING
    spread = np.ptp(in_plane(patch, normal), axis=0)
    along = (points["LV"] - mitral) @ normal
    _, _, rv = contact(masks["RA"], masks["RV"], affine)
    return {
        "LV mL": volume["LV"],
        "LA mL": volume["LA"],
        "RV / LV": volume["RV"] / volume["LV"],
        "RA / LA": volume["RA"] / volume["LA"],
        "mitral annulus, width mm": spread[0],
        "mitral annulus, depth mm": spread[1],
        "mitral annulus to LV axis, degrees": angle(normal, axis),
        "mitral to aortic centre mm": float(np.linalg.norm(mitral - aortic)),
        "aortic annulus to horizontal, degrees": angle(outward, np.array([0, 0, np.sign(outward[2]) or 1])),
        "LA shortest extent / cube root of volume": float(extents.min()) / np.cbrt(volume["body"] * 1e3),
        "LA volume / its box": volume["body"] * 1e3 / float(np.prod(extents)),
        "centres of LA and LV mm": float(np.linalg.norm(la - lv)),
        **{f"LA {h} mm above the mitral plane cm2": section(points["body"], mitral, normal, -h) for h in ABOVE},
        **{f"LV {h} mm below the mitral plane cm2": section(points["LV"], mitral, normal, h) for h in BELOW},
        "LV at its widest cm2": max(section(points["LV"], mitral, normal, h) for h in range(0, int(along.max()), 4)),
        "RA to RV contact cm2": area(masks["RA"], masks["RV"]),
        "RV to pulmonary artery contact cm2": area(masks["RV"], masks["PA"]),
        "RV length / LV length": length(points["RV"], rv.mean(0), axis) / length(points["LV"], mitral, axis),
        "lung under the heart, share": lung_below(structures, masks),
        "middle of seven structures mm, right": middle(points)[0],
        "middle of seven structures mm, anterior": middle(points)[1],
    }  # fmt: skip


def contact(first: NDArray, second: NDArray, affine: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Centre (3,) of where two masks touch, the plane's normal (3,) towards the second, and the points (n, 3), mm."""
    voxels = np.argwhere(ndimage.binary_dilation(first) & second) if first.any() and second.any() else np.empty((0, 3))
    if len(voxels) < 4:
        return np.full(3, np.nan), np.full(3, np.nan), np.full((1, 3), np.nan)
    points = voxel_to_ras(voxels, affine)
    normal = vector_area(first, second)
    return points.mean(0) - 0.5 * SPACING * normal / np.linalg.norm(normal), normal / np.linalg.norm(normal), points


def vector_area(first: NDArray, second: NDArray) -> NDArray:
    """Sum (3,) of the normals of the faces between two masks, mm2; its length is the area of a plane contact."""
    total = np.zeros(3)
    for axis in range(3):
        a, b = (np.moveaxis(mask, axis, 0) for mask in (first, second))
        total[axis] = float((a[:-1] & b[1:]).sum()) - float((a[1:] & b[:-1]).sum())
    return total * SPACING**2


def area(first: NDArray, second: NDArray) -> float:
    return float(np.linalg.norm(vector_area(first, second))) / 100


def principal_axes(points: NDArray) -> NDArray:
    """Unit vectors (3, 3), the longest axis first."""
    return np.linalg.eigh(np.cov(points.T))[1].T[::-1]


def in_plane(points: NDArray, normal: NDArray) -> NDArray:
    """Coordinates (n, 2) of points along the two principal axes within a plane, the longer first."""
    flat = points - np.outer(points @ normal, normal)
    return flat @ principal_axes(flat)[:2].T


def angle(first: NDArray, second: NDArray) -> float:
    """Degrees."""
    return float(np.degrees(np.arccos(np.clip(first @ second, -1, 1))))


def section(points: NDArray, centre: NDArray, normal: NDArray, height: float) -> float:
    """Area in cm2 of a chamber's cross-section at a height along the normal, mean over one voxel."""
    near = np.abs((points - centre) @ normal - height) < SPACING / 2
    return float(near.sum()) * SPACING**2 / 100


def length(points: NDArray, start: NDArray, axis: NDArray) -> float:
    """How far points reach from a start along an axis, mm."""
    return float(((points - start) @ axis).max())


def lung_below(structures: NDArray, masks: Mapping[str, NDArray]) -> float:
    """Of the columns under the ventricles, the share where lung comes within 15 mm of them, before the diaphragm."""
    heart = masks["LV"] | masks["RV"] | masks["MYO"]
    lowest = heart.argmax(axis=2)
    lung = np.isin(structures, (int(Structure.LUNG), int(Structure.LUNG_VESSEL)))
    columns = np.argwhere(heart.any(axis=2))
    found = [lung[x, y, max(0, lowest[x, y] - int(15 / SPACING)) : lowest[x, y]].any() for x, y in columns]
    return float(np.mean(found))


def middle(points: Mapping[str, NDArray]) -> NDArray:
    """Middle (3,) of the box round the seven structures, mm from that between the left chambers."""
    every = np.concatenate([points[name] for name in LABELLED])
    return (every.min(0) + every.max(0)) / 2


if __name__ == "__main__":
    fire.Fire(main)
