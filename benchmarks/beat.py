"""What all phases of a beat cost beside one of them: `python -m benchmarks.beat`.

A generated CT (512 x 512 x 200 voxels by default) stands for each of ten phases, a NIfTI file each. One phase and all
ten take turns: first in a process that has done the same before (`one_case`), then as the README's command. The ratios
of their medians are what counts: seconds of one machine say little about another.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import fire
import nibabel

from benchmarks.patients import cardiac_case
from benchmarks.revisions import ROOT, measured, processor

SEED = 1
PHASES = 10
COMMAND = ("-m", "monai.bundle", "run", "inference", "--config_file", "bundle/configs/inference.json")


def main(runs: int = 6, shape: Sequence[int] = (512, 512, 200), spacing: Sequence[float] = (0.6, 0.6, 0.6)) -> None:
    """Prints a table: one phase, all of them, and their ratio.

    Args:
        runs: of each, in turn.
        shape, spacing: voxels of a phase, and mm.
    """
    case = cardiac_case(SEED, shape, spacing)
    with TemporaryDirectory() as folder:
        alone, beat = Path(folder, "alone", "ct.nii"), Path(folder, "beat")
        alone.parent.mkdir()
        beat.mkdir()
        nibabel.save(nibabel.Nifti1Image(case.image, case.affine), alone)
        for index in range(PHASES):
            (beat / f"ct_p{100 * index // PHASES:02d}.nii").hardlink_to(alone)
        asked = {
            "one": {"input": str(alone), "output_dir": str(Path(folder, "one"))},
            "all": {"input": str(beat), "phase": "all", "output_dir": str(Path(folder, "all"))},
        }
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in asked}
        for _ in range(runs):
            for name, keys in asked.items():
                told = measured("one_case.py", ROOT, keys)
                found[name].append({**told["parts"], **told, "command": _command(keys)})
                print(f"{name}: {told['whole']:.2f} s, as a command {found[name][-1]['command']:.2f} s", flush=True)
    print(f"\n{processor()}, medians of {runs} runs; {PHASES} phases of {' x '.join(map(str, shape))} voxels\n")
    print(f"| | one phase | {PHASES} phases | ratio |\n|---|---|---|---|")
    rows = {"whole": "in a process that runs, s", "command": "as a command, s", "memory": "peak memory, MiB"}
    for row in [*rows, *found["all"][0]["parts"]]:
        one, every = (statistics.median(run.get(row, 0.0) for run in runs) for runs in found.values())
        digits = 0 if row == "memory" else 2
        print(
            f"| {rows.get(row, row)} | {one:.{digits}f} | {every:.{digits}f} | {f'{every / one:.2f}' if one else ''} |"
        )


def _command(keys: Mapping[str, str]) -> float:
    """Seconds of the README's command."""
    arguments = [word for key, value in keys.items() for word in (f"--{key}", value)]
    begun = time.perf_counter()
    subprocess.run([sys.executable, *COMMAND, *arguments], cwd=ROOT, capture_output=True, check=True)
    return time.perf_counter() - begun


if __name__ == "__main__":
    fire.Fire(main)
