"""How far landmarks, measurements and regions are from the truth of generated patients.

    python -m custom synthesize FOLDER --first_seed 900500 --count 10 --regions True
    python -m benchmarks.anatomy FOLDER

Runs the bundle's inference on FOLDER (``images``, ``labels``, ``truth``, and ``regions`` where there are any), and
prints Markdown. Kinds of scan are the column ``kind`` of ``FOLDER/patients.csv``.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import fire
import nibabel
import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.optimize import linear_sum_assignment
from scipy.spatial import KDTree

from benchmarks.patients import WITHOUT, answers, kinds_of
from custom import load_model
from custom.anatomy.atrium import NECK_MM
from custom.anatomy.finding import OSTIA
from custom.anatomy.measurements import SHORT_AXIS, measure_annulus, measure_diameters, measure_ostium, measure_outlet
from custom.anatomy.planes import Plane, across, fit_plane, unit, widest_and_narrowest
from custom.anatomy.regions import (
    APPENDAGE,
    ATRIAL_SIDE,
    ATRIAL_VEINS,
    FIRST_SEGMENT,
    FIRST_VEIN,
    OUTLET,
    REGIONS,
    VENTRICULAR_SIDE,
)
from custom.anatomy.sections import narrowest_section
from custom.anatomy.ventricle import segments
from custom.chambers import LABELS
from custom.frames import voxel_to_ras
from custom.geometry.isosurface import isosurface
from custom.prediction import Prediction
from custom.synthesis.truth import REGIONS as TRUE_REGIONS

SIDES = {"LA": (APPENDAGE, ATRIAL_VEINS, ATRIAL_SIDE), "LV": (VENTRICULAR_SIDE, OUTLET)}
WALL = 5
"""Of the ventricle, in maps of true regions."""
LANDMARKS = {
    "mitral_annulus": "mitral annulus",
    "aortic_annulus": "aortic annulus",
    "la_appendage_ostium": "appendage ostium",
}
"""Planes in the report, and in the truth."""
SMOOTHING = 0.8
"""Voxels by which labels are blurred, so that their surface has no steps."""
SAME_VEIN = 12.0
"""mm between an ostium found and a true one up to which they can be the same."""


class Error(NamedTuple):
    """One comparison of one case."""

    case: str
    what: str
    unit: str
    value: float
    """Absolute, or Dice."""
    trust: str


def main(folder: str, **overrides: Any) -> None:
    """Predicts and compares.

    Args:
        folder: as the module says.
        overrides: keys of inference.json, e.g. ``--checkpoint model.pt``.
    """
    base, errors, seconds = Path(folder), [], []
    kinds = kinds_of(base)
    for image, name, found in answers(base, load_model(**overrides).predict):
        seconds.append(found.report["seconds"]["anatomy"])
        truth = json.loads((base / "truth" / f"{name}.json").read_text())
        errors += compare(name, found, truth, base / "regions" / image.name)
        errors += compare_neck(name, found, truth["appendage ostium"], base / "labels" / image.name)
    count = len(list((base / "images").glob("*.nii.gz")))
    print(f"{count} cases; looking for landmarks took {np.mean(seconds):.2f} s a case, at most {max(seconds):.2f}.\n")
    for title, chosen in (
        ("With contrast", [error for error in errors if kinds[error.case] != WITHOUT]),
        ("Without contrast", [error for error in errors if kinds[error.case] == WITHOUT]),
    ):
        table(title, chosen)


def compare(case: str, found: Prediction, truth: Mapping[str, Any], regions: Path) -> Iterator[Error]:
    """All errors of a case; what was not found is left out."""
    planes = {
        name: Plane(*(np.array(truth[other][key]) for key in ("centre", "normal", "contour")))
        for name, other in LANDMARKS.items()
    }
    mitral, apex = planes["mitral_annulus"], np.array(truth["apex"])
    tip, ostium = np.array(truth["appendage tip"]), planes["la_appendage_ostium"]
    points = {**{name: plane.centre for name, plane in planes.items()}, "lv_apex": apex, "la_appendage_tip": tip}
    for name, point in points.items():
        landmark = found.landmarks[name]
        if landmark["centre_mm"] is not None:
            yield Error(case, name, "mm", float(np.linalg.norm(landmark["centre_mm"] - point)), landmark["trust"])
        if landmark["normal"] is not None:
            cosine = np.clip(landmark["normal"] @ planes[name].normal, -1, 1)
            yield Error(case, f"{name}, plane", "degrees", float(np.degrees(np.arccos(cosine))), landmark["trust"])
    values = measure_annulus(mitral) | measure_diameters(mitral, planes["aortic_annulus"])
    values |= measure_outlet(planes["aortic_annulus"])
    values["lv_long_axis"] = float(np.linalg.norm(apex - mitral.centre))
    values["la_appendage_depth"] = float(np.linalg.norm(tip - ostium.centre))
    yield from compare_veins(case, found, truth["pulmonary vein ostia"])
    for name, value in values.items():
        measured = found.measurements[name]
        if measured["value"] is not None:
            yield Error(case, name, "%", 100 * abs(measured["value"] / value - 1), measured["trust"])
    if regions.is_file():
        yield from compare_regions(case, found, regions, mitral, apex, np.array(truth["septum"]))


def compare_veins(case: str, found: Prediction, truth: list[Mapping[str, Any]]) -> Iterator[Error]:
    """Of each ostium that is also true, how far it is off; and whether none is missed or invented."""
    names = [name for name in OSTIA if name in found.landmarks]
    landmarks = [found.landmarks[name] for name in names]
    if found.landmarks["mitral_annulus"]["centre_mm"] is None:
        return
    apart = np.array([[np.linalg.norm(one["centre_mm"] - of["centre"]) for of in truth] for one in landmarks])
    pairs = [(one, of) for one, of in zip(*linear_sum_assignment(apart), strict=True) if apart[one, of] < SAME_VEIN]
    for one, of in pairs:
        trust = landmarks[one]["trust"]
        yield Error(case, "veins' ostia", "mm", float(apart[one, of]), trust)
        name = names[one]
        true_ostium = measure_ostium(Plane(*(np.array(truth[of][key]) for key in ("centre", "normal", "contour"))))
        for key, value in true_ostium.items():
            measured = found.measurements[f"{name}_{key}"]["value"]
            if measured is not None:
                yield Error(case, f"veins' ostia, {key}", "%", 100 * abs(measured / value - 1), trust)
        cosine = np.clip(landmarks[one]["normal"] @ np.array(truth[of]["normal"]), -1, 1)
        yield Error(case, "veins' ostia, plane", "degrees", float(np.degrees(np.arccos(cosine))), trust)
    right = len(pairs) == len(landmarks) == len(truth)
    yield Error(
        case, "veins, none missed or invented", "share", float(right), found.landmarks["mitral_annulus"]["trust"]
    )


def compare_neck(case: str, found: Prediction, ostium: Mapping[str, Any], labels: Path) -> Iterator[Error]:
    """Narrowest section of the appendage beside that of the labels' surface, sought from the true ostium."""
    image = nibabel.load(labels)
    atrium = np.asarray(image.dataobj) == LABELS["LA"]
    voxels, faces = isosurface(gaussian_filter(atrium.astype(np.float32), SMOOTHING))
    centre, outward = np.array(ostium["centre"]), -np.array(ostium["normal"])
    neck = narrowest_section(voxel_to_ras(voxels, image.affine), faces, centre, outward, NECK_MM)
    if neck is None:
        return
    _, normal = fit_plane(neck, np.ones(len(neck)), outward)
    for key, value in measure_ostium(Plane(centre, normal, neck)).items():
        measured = found.measurements[f"la_appendage_ostium_{key}"]
        if measured["value"] is not None:
            trust = found.landmarks["la_appendage_ostium"]["trust"]
            yield Error(case, f"la_appendage_ostium_{key}", "%", 100 * abs(measured["value"] / value - 1), trust)


def compare_body(case: str, found: Prediction, volume: np.ndarray, affine: np.ndarray, trust: str) -> Iterator[Error]:
    """Volume of the appendage and extents of the body beside those of the map's voxels."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    body = voxel_to_ras(np.argwhere(np.isin(volume, (1, ATRIAL_SIDE))), affine)
    extents = dict(
        zip(("transverse", "anteroposterior", "superoinferior"), np.ptp(body, axis=0) + spacing, strict=True)
    )
    true = {f"la_{name}_diameter": extent for name, extent in extents.items()}
    true["la_appendage_volume"] = (volume == APPENDAGE).sum() * spacing.prod() / 1e3
    for name, value in true.items():
        measured = found.measurements[name]["value"]
        if measured is not None:
            yield Error(case, name, "%", 100 * abs(measured / value - 1), trust)


def compare_short_axis(
    case: str, found: Prediction, volume: np.ndarray, affine: np.ndarray, mitral: Plane, apex: np.ndarray
) -> Iterator[Error]:
    """Widths across the long axis beside those of the map's voxels in a slab of a voxel's thickness."""
    voxels = voxel_to_ras(np.argwhere(np.isin(volume, (WALL, VENTRICULAR_SIDE, OUTLET))), affine)
    axis, size = unit(apex - mitral.centre), np.linalg.norm(affine[:3, :3], axis=0).mean()
    level = mitral.centre + SHORT_AXIS * (apex - mitral.centre)
    slab = voxels[np.abs((voxels - level) @ axis) < size / 2]
    extents = widest_and_narrowest(slab, axis)
    for which, extent in zip(("largest", "smallest"), extents, strict=True):
        measured = found.measurements[f"lv_short_axis_{which}_diameter"]
        if measured["value"] is not None:
            error = 100 * abs(measured["value"] / (extent + size) - 1)
            yield Error(case, f"lv_short_axis_{which}_diameter", "%", error, measured["trust"])


def compare_regions(
    case: str, found: Prediction, regions: Path, mitral: Plane, apex: np.ndarray, septum: np.ndarray
) -> Iterator[Error]:
    """Dice, over vertices, of the valves' sides with the map's nearest voxels, and of the wall's segments with those by
    the true axis and septum, one mean of all 17."""
    image = nibabel.load(regions)
    volume = np.asarray(image.dataobj)
    for chamber, sides in SIDES.items():
        values = [value for value, name in TRUE_REGIONS.items() if name.startswith(chamber)]
        voxels = np.argwhere(np.isin(volume, values))
        vertices = np.asarray(found.meshes[chamber].vertices)
        nearest = KDTree(voxel_to_ras(voxels, image.affine)).query(vertices)[1]
        true, given = volume[tuple(voxels[nearest].T)], found.regions[chamber]
        trust = found.landmarks["mitral_annulus"]["trust"]
        if not given.any():
            continue
        given = np.where(given >= FIRST_VEIN, ATRIAL_VEINS, given)
        for side in sides:
            yield Error(case, REGIONS[side], "Dice", dice(given == side, true == side), trust)
        if chamber == "LA":
            yield from compare_body(case, found, volume, image.affine, trust)
        if chamber == "LV":
            yield from compare_short_axis(case, found, volume, image.affine, mitral, apex)
            axis = unit(apex - mitral.centre)
            parts = FIRST_SEGMENT - 1 + segments(vertices, mitral.centre, apex, across(septum - mitral.centre, axis))
            parts[true != WALL] = 0
            wall = [value for value in REGIONS if value >= FIRST_SEGMENT]
            yield Error(
                case, "LV, 17 segments", "Dice", float(np.mean([dice(given == v, parts == v) for v in wall])), trust
            )


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """Of two sets of vertices (V,); 1 where both are empty."""
    total = one.sum() + other.sum()
    return float(2 * (one & other).sum() / total) if total else 1.0


def table(title: str, errors: list[Error]) -> None:
    """Print mean and worst of each comparison, and the mean where the result is said to be all right."""
    if not errors:
        return
    by_name: dict[tuple[str, str], list[Error]] = defaultdict(list)
    for error in errors:
        by_name[error.what, error.unit].append(error)
    print(f"### {title}\n\n| | unit | cases | mean | median | worst | trusted cases | their mean |\n|" + "---|" * 8)
    for (what, unit_), group in by_name.items():
        values = np.array([error.value for error in group])
        trusted = [error.value for error in group if error.trust == "ok"]
        extreme = (np.argmin if unit_ in ("Dice", "share") else np.argmax)(values)
        worst = f"{values[extreme]:.2f} ({group[extreme].case})"
        mean = f"{np.mean(trusted):.2f}" if trusted else ""
        print(
            f"| {what} | {unit_} | {len(group)} | {values.mean():.2f} | {np.median(values):.2f} | {worst} | "
            f"{len(trusted)} | {mean} |"
        )
    print()


if __name__ == "__main__":
    fire.Fire(main)
