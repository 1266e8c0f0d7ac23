"""Accuracy of the shipped inference on generated hearts never trained on.

    python -m benchmarks.accuracy FOLDER

Generates what is missing in FOLDER (``images``, ``labels``), runs the bundle's own command on the images, compares the
STL files with the labels, and prints Markdown: means over the cases, the worst ones, and what the reports say of the
meshes. Training uses other seeds (``generated_first_seed`` and on in train.json).
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

import fire

from custom.__main__ import synthesize
from custom.chambers import STRUCTURES
from custom.comparison import Comparison, compare_case, table

ROOT = Path(__file__).parents[1]


def main(
    folder: str,
    first_seed: int = 900000,
    count: int = 40,
    shape: tuple[int, int, int] = (205, 205, 144),
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.25),
    **overrides: str,
) -> None:
    """Generates, predicts, compares.

    Args:
        folder: where images, labels and meshes are kept; generated cases are kept between calls.
        first_seed: seed of the first case.
        count: number of cases.
        shape: voxels of each CT.
        spacing: mm.
        overrides: keys of inference.json, e.g. ``--checkpoint model.pt``.
    """
    base = Path(folder)
    for seed in range(first_seed, first_seed + count):
        if not (base / "images" / f"patient_{seed:06d}.nii.gz").is_file():
            synthesize(folder, first_seed=seed, count=1, shape=list(shape), spacing=list(spacing))
    command = [sys.executable, "-m", "monai.bundle", "run", "inference"]
    command += ["--config_file", "bundle/configs/inference.json", "--dataset_dir", str((base / "images").resolve())]
    for key, value in overrides.items():
        command += [f"--{key}", str(value)]
    subprocess.run(command, cwd=ROOT, check=True)

    names = [f"patient_{seed:06d}" for seed in range(first_seed, first_seed + count)]
    rows = [row for name in names for row in compare_case(base / "images", base / "labels" / f"{name}.nii.gz")]
    reports = [json.loads((base / "images" / f"{name}_report.json").read_text()) for name in names]
    print(f"{count} generated hearts, seeds {first_seed} to {first_seed + count - 1}\n")
    print(summary(rows))
    print("\nThe three lowest Dice of each chamber:\n")
    for structure in STRUCTURES:
        own = sorted((row for row in rows if row.structure == structure), key=lambda row: row.dice)
        print(table(own[:3]) + "\n")
    crossing = sum(report["structures"][name]["self_intersections"] > 0 for report in reports for name in STRUCTURES)
    print(f"Meshes closed and outward: {sum(row.closed for row in rows)} of {len(rows)}.")
    print(f"Meshes with self-intersecting faces: {crossing} of {len(rows)}.")
    meeting = sum(report["intersections_between"] > 0 for report in reports)
    print(f"Cases where the chambers cross: {meeting} of {count}.")
    print(f"Seconds per case, median: {statistics.median(sum(report['seconds'].values()) for report in reports):.1f}.")


def summary(rows: list[Comparison]) -> str:
    """Means and standard deviations per chamber as a Markdown table."""
    lines = ["| chamber | Dice | lowest | ASSD mm | HD95 mm | volume error % |", "|---|---|---|---|---|---|"]
    for structure in STRUCTURES:
        own = [row for row in rows if row.structure == structure]
        error = [100 * (row.volume / row.true_volume - 1) for row in own]
        lines.append(
            f"| {structure} | {_spread([row.dice for row in own], 3)} | {min(row.dice for row in own):.3f} "
            f"| {_spread([row.assd for row in own], 2)} | {_spread([row.hd95 for row in own], 2)} "
            f"| {_spread(error, 1)} |"
        )
    return "\n".join(lines)


def _spread(values: list[float], digits: int) -> str:
    return f"{statistics.mean(values):.{digits}f} ± {statistics.stdev(values):.{digits}f}"


if __name__ == "__main__":
    fire.Fire(main)
