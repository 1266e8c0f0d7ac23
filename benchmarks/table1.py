"""The paper's Table 1, every system on the same patients with the same budget.

    python -m benchmarks.table1 FOLDER --start_steps 1000 --steps 4000 --size 64
    python -m benchmarks.table1 FOLDER --rows "['unet','default_exact','default_exact:1']" --patience 6

Each system is trained by the bundle's `training` workflow in two stages, its U-Net on the labels alone and then the
whole, predicts and is measured by the `evaluation` workflow, and is asked what a step costs. The second stage ends
after its steps, after `--max_seconds` of learning, or when `--patience` of its 20 validations in a row were no better.
Without `--data` patients are generated: CT angiographies. Prints Markdown, and writes it with the pictures into FOLDER.
What FOLDER holds already is not done again: an interrupted call goes on where it was, and rows can be run one by one.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import fire
import torch

from benchmarks.curves import curve_of, curves_figure, reached_table
from benchmarks.systems import SYSTEMS, Row, call, read_configs, row_of, work_on
from benchmarks.training import CONFIGS
from custom.calls import check_keys
from custom.evaluation import compare_methods, methods_table
from custom.evaluation.figures import box_plots
from custom.evaluation.records import read_metrics
from custom.inference.writing.preview import as_png
from custom.inputs import InputError

TRAINING_SEED, TEST_SEED = 20000, 910000
KIND = "cardiac"
"""Of the generated scans, in synthesize.json."""


def main(
    folder: str,
    start_steps: int = 1000,
    steps: int = 4000,
    size: int = 64,
    data: str | None = None,
    test: str | None = None,
    rows: tuple[str, ...] = tuple(SYSTEMS),
    patients: int = 312,
    test_count: int = 21,
    **overrides: Any,
) -> None:
    """Trains and evaluates the systems, and prints their table.

    Args:
        folder: receives a folder a row, ``table1.md``, ``table1.png`` and ``curves.png``.
        start_steps: of batch 1 on the labels alone, for every U-Net; systems with the same network share them.
        steps: of batch 1 on all that a system learns from, at most.
        size: voxels per axis of what the networks see, 166 mm wide.
        data: labelled CTs to train on (`dataset_dir` of train.json), generated patients if not given.
        test: labelled CTs to test on (`dataset_dir` of evaluate.json), generated patients if not given.
        rows: names among ``SYSTEMS``, with a seed other than 0 as in ``unet:1``; the others are tested against the
            last.
        patients: generated patients to train on, the last `validation_count` of them to validate on.
        test_count: generated patients to test on.
        overrides: keys of train.json and evaluate.json, for every system alike, e.g. ``label_values``; those that only
            one of them has go to that one.
    """
    chosen = [row_of(text) for text in ([rows] if isinstance(rows, str) else rows)]
    try:
        check_keys(overrides, read_configs(["train.json", "inference.json", "evaluate.json"]))
    except InputError as error:
        sys.exit(str(error))
    base = Path(folder).resolve()
    test = test or generated(base / "patients", test_count)
    common = {"volume_size": size, **overrides}
    training = {
        "cache_dir": str(base / "cache"),
        "batch_size": 1,
        "augmentation#translate": 15.0,
        "generated_first_seed": TRAINING_SEED,
        "generated_count": patients,
        "scan_protocol": json.loads((CONFIGS / "synthesize.json").read_text())["kinds"][KIND]["protocol"],
        "dataset_dir": data and str(Path(data).resolve()),
        **common,
    }
    for row in chosen:
        work_on(row, base, (start_steps, steps), training, common, test)
    order = [chosen[-1], *chosen[:-1]]
    metrics = {row.title: row.folder(base) / "test" / "metrics.json" for row in order}
    curves = {row: curve_of(row, base) for row in chosen}
    page = "\n\n".join(
        [
            f"{start_steps} steps on labels alone, then {steps} at most, of batch 1 at {size}³; trained on "
            f"{'the given' if data else f'{patients} generated'} patients; {hardware()}",
            methods_table(compare_methods(metrics)),
            reached_table(curves),
            cost_table({row: json.loads((row.folder(base) / "cost.json").read_text()) for row in chosen}),
        ]
    )
    (base / "table1.md").write_text(page + "\n")
    (base / "table1.png").write_bytes(as_png(box_plots({name: read_metrics(path) for name, path in metrics.items()})))
    (base / "curves.png").write_bytes(as_png(curves_figure(curves)))
    print(page)


def generated(folder: Path, count: int) -> str:
    """The folder, with so many generated patients for the test."""
    if len(list((folder / "labels").glob("*.nii.gz"))) < count:
        call([sys.executable, "-m", "custom", "synthesize", str(folder)], first_seed=TEST_SEED, count=count, kind=KIND)
    return str(folder)


def cost_table(found: dict[Row, dict[str, float]]) -> str:
    """What each system takes, as Markdown."""
    lines = ["| system | parameters | s a training step | learns from |", "|---|---|---|---|"]
    for row, cost in found.items():
        lines.append(
            f"| {row.title} | {cost['parameters'] / 1e6:.2f} M | {cost['seconds']:.2f} | {row.system.learns_from} |"
        )
    return "\n".join(lines)


def hardware() -> str:
    """What this process runs on."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{os.cpu_count()} CPU cores ({platform.machine()}), torch {torch.__version__}"


if __name__ == "__main__":
    fire.Fire(main)
