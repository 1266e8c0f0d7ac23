"""Accuracy of the shipped inference on generated hearts never trained on, and whether its doubt knows the errors.

    python -m custom synthesize FOLDER --first_seed 900000 --count 40
    python -m benchmarks.accuracy FOLDER [FOLDER ...]

Runs the bundle's own evaluation on each FOLDER (``images``, ``labels``), whose outputs go into ``FOLDER/evaluation``,
and prints Markdown of all together: means and worst cases by kind of scan, what was found of the meshes, and the rank
correlation of doubt and Dice. Kinds are the column ``kind`` of ``FOLDER/patients.csv``, where there is one. Training
uses other seeds (``generated_first_seed`` and on in train.json).
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fire
import numpy as np
from matplotlib.figure import Figure
from scipy.stats import spearmanr

from benchmarks.patients import WITHOUT, kinds_of
from custom.chambers import CHAMBERS, STRUCTURES
from custom.evaluation.measures import FAILED, MEASURED, Measures
from custom.evaluation.records import case_table, fates, read_metrics
from custom.inference.quality.doubt import CHECK, REJECT
from custom.measured import TRUSTS

ROOT = Path(__file__).parents[1]


def main(*folders: str, plot: str | None = None, **overrides: str) -> None:
    """Predicts and measures.

    Args:
        folders: each holds ``images`` and ``labels``, and receives the folder ``evaluation``; no two have cases of the
            same name.
        plot: a PNG of doubt against Dice that is written.
        overrides: keys of inference.json, e.g. ``--checkpoint model.pt``.
    """
    everything, reports, kinds = [], {}, {}
    for base in map(Path, folders):
        out = base / "evaluation"
        evaluate(base, out, overrides)
        measured = read_metrics(out / "metrics.json")
        names = {row.case for row in measured if row.status == MEASURED}
        everything += measured
        reports |= {case: json.loads((out / f"{case}_report.json").read_text()) for case in names}
        kinds |= kinds_of(base) if (base / "patients.csv").is_file() else {}
    rows = [row for row in everything if row.status == MEASURED]
    fate = fates(everything)
    print(f"{fate[MEASURED]} of {fate['cases']} cases measured.\n")
    for entry in fate[FAILED]:
        print(f"- {entry['case']} ({kinds.get(entry['case'], '')}): {entry['reason']}")
    print(by_kind(rows, kinds))
    print("\nThe three lowest Dice of each chamber:\n")
    for structure in _measured(rows):
        own = sorted((row for row in rows if row.structure == structure), key=lambda row: row.dice)
        print(case_table(own[:3]) + "\n")
    _print_checks(rows, list(reports.values()))
    doubts = [reports[row.case]["structures"][row.structure]["doubt"] for row in rows]
    if any(row.wall_dice is not None for row in rows):
        print("\n" + muscle(rows, reports, kinds))
    print("\n" + by_trust(rows, reports))
    print("\n" + correlations(rows, doubts))
    if plot:
        draw(rows, doubts, plot)


def evaluate(folder: Path, out: Path, overrides: Mapping[str, str]) -> None:
    """The bundle's evaluation of a folder; ends the program if it does not run."""
    command = [sys.executable, "-m", "monai.bundle", "run", "evaluation"]
    command += ["--config_file", "['bundle/configs/inference.json','bundle/configs/evaluate.json']"]
    command += ["--dataset_dir", str(folder.resolve()), "--output_dir", str(out.resolve())]
    for key, value in overrides.items():
        command += [f"--{key}", str(value)]
    if subprocess.run(command, cwd=ROOT, check=False).returncode not in (0, 1):  # 1: some case failed
        sys.exit("the evaluation did not run")


def by_kind(rows: list[Measures], kinds: dict[str, str]) -> str:
    """Mean, standard deviation and worst value per kind of scan and chamber, as a Markdown table."""
    lines = [
        "| scan | chamber | cases | Dice | lowest | ASSD mm | highest | HD95 mm | highest | volume error % |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    found = sorted({kinds.get(row.case, "") for row in rows})
    groups = {kind: {kind} for kind in found}
    if len(found) > 1:
        groups |= {"all": set(found)} | ({"all with contrast": set(found) - {WITHOUT}} if WITHOUT in found else {})
    for kind, members in groups.items():
        for structure in _measured(rows):
            own = [row for row in rows if row.structure == structure and kinds.get(row.case, "") in members]
            error = [row.volume_error_percent for row in own]
            lines.append(
                f"| {kind} | {structure} | {len(own)} | {_spread([row.dice for row in own], 3)} "
                f"| {min(row.dice for row in own):.3f} "
                f"| {_spread([row.assd_mm for row in own], 2)} | {max(row.assd_mm for row in own):.2f} "
                f"| {_spread([row.hd95_mm for row in own], 2)} | {max(row.hd95_mm for row in own):.2f} "
                f"| {_spread(error, 1)} |"
            )
    return "\n".join(lines)


def muscle(rows: list[Measures], reports: dict[str, Any], kinds: Mapping[str, str]) -> str:
    """Of the ventricle's muscle alone, as a Markdown table: Dice, and the error of its volume, and so of its mass."""
    own = [row for row in rows if row.wall_dice is not None]
    told = [row for row in own if reports[row.case]["structures"][row.structure]["mass_g"] is not None]
    groups = {
        "with contrast": [row for row in own if kinds.get(row.case) != WITHOUT],
        "all": own,
        "mass told": told,
    }
    lines = ["| muscle | cases | Dice | median | error % |", "|---|---|---|---|---|"]
    for title, group in groups.items():
        if group:
            dice = [row.wall_dice for row in group]
            error = _spread([row.wall_error_percent for row in group], 1)
            lines.append(f"| {title} | {len(group)} | {_spread(dice, 3)} | {np.median(dice):.3f} | {error} |")
    return "\n".join(lines)


def by_trust(rows: list[Measures], reports: dict[str, Any]) -> str:
    """How accurate the surfaces are that the reports trust and doubt, as a Markdown table."""
    lines = ["| trust | chamber | surfaces | Dice, mean | lowest |", "|---|---|---|---|---|"]
    for trust in TRUSTS:
        for structure in _measured(rows):
            own = [
                row.dice
                for row in rows
                if row.structure == structure and reports[row.case]["structures"][structure]["trust"] == trust
            ]
            values = f"{statistics.mean(own):.3f} | {min(own):.3f}" if own else "– | –"
            lines.append(f"| {trust} | {structure} | {len(own)} | {values} |")
    return "\n".join(lines)


def correlations(rows: list[Measures], doubts: list[float]) -> str:
    """Spearman's rank correlation of doubt and Dice, for each chamber and overall."""
    found = []
    for name in (*_measured(rows), "all"):
        pairs = [(doubt, row.dice) for row, doubt in zip(rows, doubts, strict=True) if name in (row.structure, "all")]
        found.append(f"{name} {spearmanr(*zip(*pairs, strict=True)).statistic:.2f}")
    return f"Spearman correlation of doubt and Dice: {', '.join(found)}."


def draw(rows: list[Measures], doubts: list[float], path: str) -> None:
    """Doubt against Dice, with the limits of trust."""
    figure = Figure(figsize=(6, 4), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    for structure in _measured(rows):
        chosen = [(doubt, row.dice) for row, doubt in zip(rows, doubts, strict=True) if row.structure == structure]
        axes.scatter(*zip(*chosen, strict=True), s=14, color=CHAMBERS[structure].colour, alpha=0.7, label=structure)
    for limit, trust in ((CHECK, "check"), (REJECT, "do not use")):
        axes.axvline(limit, color="0.6", linewidth=1)
        axes.text(limit + 0.01, 0.01, trust, color="0.4", transform=axes.get_xaxis_transform())
    axes.set(xlabel="doubt", ylabel="Dice", xlim=(0, 1.02))
    axes.legend(loc="lower left")
    figure.savefig(path)


def _print_checks(rows: list[Measures], reports: list[dict[str, Any]]) -> None:
    crossing = sum(row.self_intersecting_faces > 0 for row in rows)
    meeting = sum(report["intersections_between"] > 0 for report in reports)
    print(f"Meshes closed and outward: {sum(row.watertight for row in rows)} of {len(rows)}.")
    print(f"Meshes with self-intersecting faces: {crossing} of {len(rows)}.")
    print(f"Cases where the chambers cross: {meeting} of {len(reports)}.")
    surfaces = [surface for report in reports for surface in report["structures"].values()]
    for done in ("withdrawn", "untangled"):
        far = [surface[done]["furthest_mm"] for surface in surfaces if surface[done]["vertices"]]
        print(f"Surfaces {done}: {len(far)} of {len(surfaces)}, by {max(far, default=0):.1f} mm at most.")
    for name in _measured(rows):
        agreement = statistics.mean(report["structures"][name]["agreement"] for report in reports)
        print(f"Dice of {name}'s mesh and the U-Net's segmentation, mean: {agreement:.3f}.")
    print(f"Seconds per case, median: {statistics.median(sum(report['seconds'].values()) for report in reports):.1f}.")


def _measured(rows: list[Measures]) -> list[str]:
    return [name for name in STRUCTURES if any(row.structure == name for row in rows)]


def _spread(values: list[float], digits: int) -> str:
    return f"{np.mean(values):.{digits}f} ± {np.std(values):.{digits}f}"


if __name__ == "__main__":
    fire.Fire(main)
