"""Dice of generated patients who are turned: `python -m benchmarks.turned FOLDER`.

FOLDER is one of `python -m custom synthesize`. Each patient goes through the shipped inference as it is, and turned
either way about each of the body's axes: the header says so, and the voxels stay what they are. Prints Markdown.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import fire
import nibabel
import numpy as np
from tqdm import tqdm

from benchmarks.patients import WITHOUT, kinds_of
from benchmarks.stability import AXES, about, rotation
from custom import load_model
from custom.chambers import LABELS, LEFT_HEART
from custom.frames import voxel_to_ras
from custom.metrics import dice


def main(folder: str, count: int = 10, degrees: float = 30.0, **overrides: Any) -> None:
    """Predicts and measures.

    Args:
        folder: holds `images`, `labels` and `patients.csv`.
        count: of its patients, the first with contrast.
        degrees: by which they are turned, either way.
        overrides: keys of inference.json, e.g. ``--checkpoint model.pt``.
    """
    base, model = Path(folder), load_model(force=True, **overrides)
    names = [name for name, kind in kinds_of(base).items() if kind != WITHOUT][:count]
    found: dict[str, list[list[float]]] = defaultdict(list)
    trusts: dict[str, list[str]] = defaultdict(list)
    for name in tqdm(names, unit="patient"):
        image, labels = (nibabel.load(base / kind / f"{name}.nii.gz") for kind in ("images", "labels"))
        values, truth = np.asarray(image.dataobj), np.asarray(labels.dataobj)
        middle = voxel_to_ras(np.argwhere(truth > 0).mean(axis=0), image.affine)
        turns = {"as they are": np.eye(3)}
        turns |= {
            f"{AXES[axis]}, {turn:+.0f}°": rotation(axis, turn) for axis in range(3) for turn in (-degrees, degrees)
        }
        for turn, matrix in turns.items():
            answer = model.predict(values, about(middle, matrix) @ image.affine)
            found[turn].append([dice(answer.label_map == LABELS[one], truth == LABELS[one]) for one in LEFT_HEART])
            trusts[turn] += [answer.report["structures"][one]["trust"] for one in LEFT_HEART]
    print(f"{len(names)} patients\n")
    print("| turned about | " + " | ".join(f"{one}, Dice | lowest" for one in LEFT_HEART) + " | not `ok` |")
    print("|---" * (2 + 2 * len(LEFT_HEART)) + "|")
    for turn, values in found.items():
        means, lowest = np.mean(values, axis=0), np.min(values, axis=0)
        cells = [f"{mean:.3f} | {low:.3f}" for mean, low in zip(means, lowest, strict=True)]
        print(f"| {turn} | {' | '.join(cells)} | {sum(trust != 'ok' for trust in trusts[turn])} |")


if __name__ == "__main__":
    fire.Fire(main)
