"""Whether a vertex stays with its place of the heart over the beat: `python -m benchmarks.material_points TRUTH FOUND`.

`TRUTH` is the folder `truth` of `python -m custom synthesize --phases 10`, `FOUND` holds what inference wrote of the
same patients, VTK among it. The vertices of the LV nearest to the true apex and to the contour of the true mitral
annulus at end-diastole are followed; prints how far, at most, they then lie from where these points have gone, beside
how far they lie at end-diastole.
"""

from __future__ import annotations

import json
from pathlib import Path

import fire
import itk
import numpy as np
from scipy.spatial import KDTree

from custom.frames import ras_to_file

POINTS = ("apex", "mitral annulus")


def vertices_of(path: Path) -> np.ndarray:
    """(V, 3) RAS mm, of a VTK file."""
    points = itk.array_from_vector_container(itk.meshread(str(path), itk.F).GetPoints())
    return ras_to_file(points.reshape(-1, 3).astype(np.float64))


def distances(truth: Path, found: Path) -> dict[str, np.ndarray] | None:
    """Of each of `POINTS` (P,) mm from its vertices in each phase, the mean over a contour; None without the files."""
    beat = json.loads(truth.read_text())["beat"]
    paths = [found / f"{truth.stem}_p{round(percent):02d}_LV.vtk" for percent in beat["percent"]]
    if not all(path.is_file() for path in paths):
        return None
    surfaces, first = [vertices_of(path) for path in paths], int(np.argmax(beat["volume_ml"]["LV"]))
    apart = {}
    for name, places in zip(POINTS, _places(beat), strict=True):
        own = KDTree(surfaces[first]).query(places[first])[1]
        apart[name] = np.array(
            [
                np.linalg.norm(surface[own] - place, axis=-1).mean()
                for surface, place in zip(surfaces, places, strict=True)
            ]
        )
        apart[name] = np.roll(apart[name], -first)
    return apart


def _places(beat: dict) -> tuple[np.ndarray, np.ndarray]:
    """(P, 1, 3) of the apex and (P, C, 3) of the annulus, mm."""
    return np.array(beat["apex"])[:, None], np.array([annulus["contour"] for annulus in beat["mitral annulus"]])


def main(truth: str, found: str) -> None:
    """Print the table as Markdown: mean over the patients, and the largest."""
    listed = [each for path in sorted(Path(truth).glob("*.json")) if (each := distances(path, Path(found)))]
    if not listed:
        print(f"{found} holds no VTK files of the phases of a patient of {truth}")
        return
    print(
        f"{len(listed)} patients\n\n| point | at end-diastole, mm | over the beat, mm | at most, mm "
        "| within 3 mm over the beat | in every phase |"
    )
    print("|---|---|---|---|---|---|")
    for name in POINTS:
        apart = np.array([each[name] for each in listed])
        largest = apart.max(axis=1)
        print(
            f"| {name} | {apart[:, 0].mean():.1f} | {apart.mean():.1f} | {largest.mean():.1f} ({largest.max():.1f}) "
            f"| {(apart.mean(axis=1) <= 3).sum()} of {len(listed)} | {(largest <= 3).sum()} of {len(listed)} |"
        )


if __name__ == "__main__":
    fire.Fire(main)
