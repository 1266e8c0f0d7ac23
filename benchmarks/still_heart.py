"""A heart that does not move, scanned ten times: `python -m benchmarks.still_heart FOLDER --patients 5`.

What comes out as motion is noise: of quanta, texture and artefacts, which each scan draws afresh. Prints the
standard deviation of the volumes over the ten phases, and of the vertices, by patient.
"""

from __future__ import annotations

import json
from pathlib import Path

import fire
import nibabel
import numpy as np
import torch
from monai.bundle import ConfigWorkflow

from benchmarks.material_points import vertices_of
from benchmarks.patients import CONFIGS, cardiac_case
from custom.chambers import LEFT_HEART
from custom.synthesis.scanner import scan
from custom.synthesis.streams import stream
from custom.synthesis.tissue import draw_tissues


def main(folder: str, patients: int = 5, first_seed: int = 903000, phases: int = 10, spacing: float = 1.2) -> None:
    """Print a row a patient as Markdown.

    Args:
        folder: gets a 4D NIfTI file a patient and what inference writes of it.
        patients, first_seed: which, of the kind `cardiac`.
        phases: scans of each.
        spacing: mm.
    """
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    shape, size = tuple(round(180 / spacing) for _ in range(3)), (spacing,) * 3
    print("| patient | " + " | ".join(f"{name} SD, % | vertices SD, mm" for name in LEFT_HEART) + " |")
    print("|---" * (1 + 2 * len(LEFT_HEART)) + "|")
    for seed in range(first_seed, first_seed + patients):
        image = path / f"still_{seed}.nii.gz"
        if not image.exists():
            with torch.no_grad():
                case = cardiac_case(seed, shape, size)
                generators = (torch.Generator().manual_seed(seed * 1000 + phase) for phase in range(phases))
                tissues = draw_tissues(stream(seed, "tissues of the beat"), case.acquisition.contrast)
                scans = [
                    scan(case.structures, size, case.acquisition, generator, tissues=tissues).image
                    for generator in generators
                ]
            volumes = torch.stack(scans, dim=-1).round().to(torch.int16).numpy()
            nibabel.save(nibabel.Nifti1Image(volumes, case.affine), image)
        report = path / f"still_{seed}_report.json"
        if not report.exists():
            config = str(CONFIGS / "inference.json")
            workflow = ConfigWorkflow(
                config, workflow_type="inference", input=str(image), phase="all", formats="vtk", output_dir=str(path)
            )
            workflow.initialize()
            workflow.run()
        print(_row(path, json.loads(report.read_text())), flush=True)


def _row(folder: Path, report: dict) -> str:
    case, percents, cells = report["case"], report["function"]["percent"], []
    for name in LEFT_HEART:
        volumes = np.array(report["function"]["curves"][name]["volume_ml"])
        files = [folder / f"{case}_p{round(percent):02d}_{name}.vtk" for percent in percents]
        spread = np.stack([vertices_of(file) for file in files]).std(axis=0, ddof=1)
        cells += [f"{100 * volumes.std(ddof=1) / volumes.mean():.2f}", f"{np.linalg.norm(spread, axis=-1).mean():.2f}"]
    return f"| {case} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    fire.Fire(main)
