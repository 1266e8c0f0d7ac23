"""Seconds and memory of one inference, part by part: `python -m benchmarks.inference`.

A generated CT (512 x 512 x 300 voxels by default) is written to a temporary folder and taken through the bundle's own
configuration twice; the second time counts, for the first loads libraries.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import nibabel
import numpy as np
from monai.bundle import ConfigWorkflow

from custom.runtime.memory import peak_memory

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", type=int, nargs=3, default=(512, 512, 300), help="voxels of the generated CT")
    parser.add_argument("--spacing", type=float, nargs=3, default=(0.4, 0.4, 0.5), help="mm")
    parser.add_argument("--suffix", choices=(".nii.gz", ".nii"), default=".nii.gz", help="compressed or not")
    parser.add_argument("--checkpoint", type=Path, default=BUNDLE / "models" / "model.pt")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"ct{arguments.suffix}"
        affine = np.diag([-arguments.spacing[0], -arguments.spacing[1], arguments.spacing[2], 1.0])
        nibabel.save(nibabel.Nifti1Image(generate(arguments.shape), affine), path)
        workflow = ConfigWorkflow(
            config_file=str(BUNDLE / "configs" / "inference.json"),
            workflow_type="inference",
            logging_file=False,
            bundle_root=str(BUNDLE),
            input=str(path),
            checkpoint=str(arguments.checkpoint),
            force=True,  # there is no heart in it
        )
        workflow.initialize()
        for _ in range(2):
            workflow.evaluator.run()
        report = json.loads((Path(folder) / "ct_report.json").read_text())
    print(f"| part | seconds ({report['device']}) |\n|---|---|")
    for part, seconds in report["seconds"].items():
        print(f"| {part} | {seconds:.2f} |")
    print(f"| all | {sum(report['seconds'].values()):.2f} |")
    print(f"\npeak memory of the process {peak_memory('cpu') / 2**10:.2f} GiB")
    if report["device"] != "cpu":
        print(f"peak memory of {report['device']} {report['peak_memory_mib'] / 2**10:.2f} GiB, amp {report['amp']}")


def generate(shape: tuple[int, int, int]) -> np.ndarray:
    """A noisy cylinder of tissue in air with a bright ball in the middle, int16 in HU."""
    across, down, along = (np.linspace(-1, 1, size, dtype=np.float32) for size in shape)
    in_plane = across[:, None] ** 2 + down[None] ** 2
    volume = np.random.default_rng(0).normal(60, 25, shape).astype(np.int16)
    volume[in_plane > 0.8] = -1000
    volume[in_plane[..., None] + along**2 < 0.1] += 300
    return volume


if __name__ == "__main__":
    main()
