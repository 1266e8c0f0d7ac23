"""Seconds and memory of one inference, part by part: `python -m benchmarks.inference`.

    python -m benchmarks.inference --against dd53c7d --forms nii.gz,nii,dicom --runs 6

A generated patient (512 x 512 x 300 voxels by default) is taken through the bundle's own configuration in processes of
its own (`one_case`). With `--against` the working tree and a revision take turns, and the ratio of their medians is
what counts: seconds of one machine say little about another, or about the same one an hour later.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import fire
import nibabel
import numpy as np
import trimesh

from benchmarks.patients import cardiac_case
from benchmarks.revisions import measured, processor, trees
from custom.synthesis.dicom_series import write_series

SEED = 1
FORMS = ("nii.gz", "nii", "dicom")


def main(
    against: str | None = None,
    forms: str | Sequence[str] = FORMS,
    runs: int = 6,
    shape: Sequence[int] = (512, 512, 300),
    spacing: Sequence[float] = (0.6, 0.6, 0.6),
    inputs: str | Sequence[str] = (),
    **keys: Any,
) -> None:
    """Prints a table for each form of the input.

    Args:
        against: a revision of git; None measures the working tree alone.
        forms: of the CT, among `FORMS`.
        runs: of each tree, in turn.
        shape, spacing: voxels of the CT, and mm.
        inputs: CTs, files or DICOM folders, that are taken instead of the generated one and its forms.
        keys: of inference.json, for both trees.
    """
    given = [Path(path).absolute() for path in (inputs.split(",") if isinstance(inputs, str) else inputs)]
    print(f"{processor()}, medians of {runs} runs\n")
    with TemporaryDirectory() as folder, trees(against) as places:
        for form, path in ((path.name, path) for path in given) if given else _written(forms, shape, spacing, folder):
            found: dict[str, list[dict[str, Any]]] = {name: [] for name in places}
            for number in range(runs):
                for place, (name, tree) in enumerate(places.items()):
                    output = Path(folder) / f"out_{form}_{place}"
                    overrides = {"input": str(path), "output_dir": str(output), **keys}
                    found[name].append(measured("one_case.py", tree, overrides))
                    last = found[name][-1]
                    print(f"{form} {number + 1}/{runs} {name}: {last['whole']:.2f} s", flush=True)
            print(f"\n{_table(form, found)}\n")
            for name, (*_, last) in found.items():
                if last["device"] != "cpu":
                    memory = last["peak_memory_mib"] / 2**10
                    print(f"{name}: {last['device']}, amp {last['amp']}, {memory:.2f} GiB of its memory at most\n")
            if len(places) > 1:
                print(f"vertices differ by {_furthest(*(Path(folder) / f'out_{form}_{n}' for n in (0, 1))):.4f} mm\n")


def _written(
    forms: str | Sequence[str], shape: Sequence[int], spacing: Sequence[float], folder: str
) -> Iterator[tuple[str, Path]]:
    """A generated CT in each of some forms, one after the other: the form, and where it lies."""
    case = cardiac_case(SEED, shape, spacing)
    print(f"{' x '.join(map(str, shape))} voxels\n")
    for form in forms.split(",") if isinstance(forms, str) else forms:
        path = Path(folder, "patient" if form == "dicom" else f"patient.{form}")
        if form == "dicom":
            write_series(path, case, SEED)
        else:
            nibabel.save(nibabel.Nifti1Image(case.image, case.affine), path)
        yield form, path


def _table(form: str, found: dict[str, list[dict[str, Any]]]) -> str:
    """Medians of the trees, and the last's over the first's."""
    rows = ["whole", *dict.fromkeys(part for runs in found.values() for part in runs[0]["parts"]), "start", "memory"]
    ratio = ["ratio"] if len(found) > 1 else []
    lines = [f"| {form} | {' | '.join([*found, *ratio])} |", f"|---{'|---' * (len(found) + len(ratio))}|"]
    names = {"whole": "whole case, s", "start": "start, s, of which MONAI", "memory": "peak memory, MiB"}
    for row in rows:
        values = [_median(runs, row) for runs in found.values()]
        cells = [f"{value:.0f}" if row == "memory" else f"{value:.2f}" for value in values]
        if row == "start":
            cells = [f"{cell}, {_median(runs, 'monai'):.2f}" for cell, runs in zip(cells, found.values(), strict=True)]
        if ratio:
            cells.append(f"{values[-1] / values[0]:.2f}" if values[0] else "")
        lines.append(f"| {names.get(row, row)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _median(runs: Sequence[dict[str, Any]], row: str) -> float:
    return statistics.median(run[row] if row in run else run["parts"].get(row, 0.0) for run in runs)


def _furthest(one: Path, other: Path) -> float:
    """mm between vertices of the same number, at most."""
    pairs = [[trimesh.load(folder / path.name, process=False) for folder in (one, other)] for path in one.glob("*.stl")]
    return max(float(np.linalg.norm(a.vertices - b.vertices, axis=1).max()) for a, b in pairs)


if __name__ == "__main__":
    fire.Fire(main)
