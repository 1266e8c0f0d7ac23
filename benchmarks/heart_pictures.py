"""Axial and long-axis planes of real and generated hearts, one below the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import ndimage

from custom import load_model
from custom.frames import ras_to_voxel, voxel_to_ras
from custom.inference import LoadCTd
from custom.synthesis.acquisition import Protocol
from custom.synthesis.case import Kind, generate_case
from custom.synthesis.structures import MM_WHS, label_map

WINDOW = (-200, 700)  # HU
HEIGHTS = (58, 45, 34, 24, 14, 3, -7, -18, -28, -38)  # mm above the middle of the left chambers
SIDE, STEP = 150.0, 1.0  # mm
SHAPE, SPACING = (150, 150, 130), (1.3, 1.3, 1.3)
COLOURS = {"MYO": "#4fd05a", "LA": "#ff5555", "LV": "#55aaff", "RA": "#55e0e0", "RV": "#e0c040",
           "AO": "#e055e0", "PA": "#ff9940"}  # fmt: skip
PROTOCOL = Protocol(
    {"arterial": 0.6, "dense_right": 0.3, "flushed": 0.1}, noise=(5, 25), slice_thickness=(0.75, 1.5), motion=0, step=0,
    cut=0, circle=0,
)  # fmt: skip


class Heart(NamedTuple):
    """Image (D0, D1, D2) HU, labels or None, voxel to RAS, and the centres (3,) of left atrium and ventricle, mm."""

    name: str
    image: NDArray
    labels: NDArray | None
    affine: NDArray
    la: NDArray
    lv: NDArray
    axis: NDArray


def draw_pictures(folder: Path, seeds: Iterable[int], real: Path | None) -> None:
    """Write `axial.png` and `long_axis.png`; every second generated patient with the contours of its labels."""
    folder.mkdir(parents=True, exist_ok=True)
    hearts = [*(real_hearts(real) if real else ()), *generated_hearts(seeds)]
    write(folder / "axial.png", hearts, axial_planes)
    write(folder / "long_axis.png", hearts, long_axis_planes)


def real_hearts(folder: Path) -> Iterator[Heart]:
    """CTs of a folder, with the shipped inference's chambers."""
    model = load_model(force=True)
    for path in sorted(folder.iterdir()):
        loaded = LoadCTd("image", series_uid=None, phase=None, hu_offset=0, force=True)({"image": str(path)})["image"]
        image, affine = np.asarray(loaded)[0], np.asarray(loaded.affine)
        labels = model.predict(image, affine).label_map
        yield heart(path.name.split(".")[0], image, labels == 1, labels == 2, None, affine)


def generated_hearts(seeds: Iterable[int]) -> Iterator[Heart]:
    kind = Kind(width=(195, 195), length=(170, 170), pixel=1.3, offset=(0, 0), protocol=PROTOCOL)
    for seed in seeds:
        case = generate_case(seed, kind, SHAPE, SPACING)
        labels = label_map(case.structures, MM_WHS).numpy()
        shown = labels if seed % 2 else None
        yield heart(f"gen {seed}", case.image, labels == MM_WHS["LA"], labels == MM_WHS["LV"], shown, case.affine)


def heart(name: str, image: NDArray, la: NDArray, lv: NDArray, labels: NDArray | None, affine: NDArray) -> Heart:
    first, second = (voxel_to_ras(np.argwhere(mask), affine) for mask in (la, lv))
    axis = np.linalg.eigh(np.cov(second.T))[1][:, 2]
    centres = first.mean(0), second.mean(0)
    return Heart(name, image, labels, affine, *centres, axis * np.sign(axis @ (centres[1] - centres[0])))


def axial_planes(heart: Heart) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
    """Origin (3,), across (3,) and up (3,) of each plane."""
    middle = (heart.la + heart.lv) / 2
    for height in HEIGHTS:
        yield middle + [0, 12, height], np.array([-1.0, 0, 0]), np.array([0, 1.0, 0])


def long_axis_planes(heart: Heart) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
    """Through the left ventricle's long axis, turned in four steps from level to upright; the apex on the left."""
    level = np.cross(heart.axis, [0, 0, 1.0])
    level /= np.linalg.norm(level)
    upright = np.cross(level, heart.axis)
    for turn in np.radians([-30, 0, 30, 60, 100]):
        yield heart.lv - 25 * heart.axis, -heart.axis, np.sin(turn) * upright - np.cos(turn) * level


def write(path: Path, hearts: list[Heart], planes) -> None:
    columns = len(list(planes(hearts[0])))
    figure = Figure(figsize=(2.0 * columns, 2.0 * len(hearts)), dpi=100, facecolor="black")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(hearts), columns, squeeze=False)
    figure.subplots_adjust(0, 0, 1, 1, 0.01, 0.01)
    for row, shown in zip(grid, hearts, strict=True):
        row[0].text(0.02, 0.9, shown.name, color="yellow", fontsize=8, transform=row[0].transAxes)
        for axes, plane in zip(row, planes(shown), strict=True):
            axes.set_axis_off()
            axes.imshow(sample(shown.image, shown.affine, *plane, 1, -1000.0).T, cmap="gray", vmin=WINDOW[0],
                        vmax=WINDOW[1], origin="lower")  # fmt: skip
            if shown.labels is not None:
                labels = sample(shown.labels, shown.affine, *plane, 0, 0.0).T
                for name, colour in COLOURS.items():
                    if (inside := labels == MM_WHS[name]).any():
                        axes.contour(inside, [0.5], colors=colour, linewidths=0.7)
    figure.savefig(path, metadata={"Software": None})


def sample(volume: NDArray, affine: NDArray, origin: NDArray, across: NDArray, up: NDArray, order: int, outside: float):
    """The plane's image (across, up), `SIDE` mm wide."""
    steps = np.arange(-SIDE / 2, SIDE / 2, STEP)
    points = origin + steps[:, None, None] * across + steps[None, :, None] * up
    voxels = np.moveaxis(ras_to_voxel(points, affine), -1, 0)
    return ndimage.map_coordinates(volume, voxels, order=order, cval=outside, mode="constant", output=float)
