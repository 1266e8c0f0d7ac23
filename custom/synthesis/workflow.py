"""As many generated cases as are asked for, as files: what `synthesize.json` puts together."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel
import torch
from tqdm import tqdm

from ..calls.kinds import number, one_of, optional, several
from ..chambers import STRUCTURES
from ..inputs import InputError
from .case import Case, Kind, generate_case
from .contact_sheet import draw_tile, write_sheet
from .dicom_series import write_series
from .population import Stream, random_stream

ANY = "any"
FORMATS = ("nifti", "dicom")
TABLE, SHEET = "patients.csv", "contact_sheet.png"
COLUMNS = ("case", "kind", "contrast", "slice_thickness", "noise", *(f"{name}_ml" for name in STRUCTURES))


def synthesize(
    output_dir: str | Path,
    first_seed: int,
    count: int,
    kind: str,
    kinds: Mapping[str, Kind],
    format: str = "nifti",
    contact_sheet: bool = False,
    shape: Sequence[int] | None = None,
    spacing: Sequence[float] | None = None,
    device: torch.device | str = "cpu",
) -> None:
    """Generate patients and write their CTs with labels.

    Args:
        output_dir: receives ``images/patient_SEED.nii.gz`` (int16 HU) and ``labels/patient_SEED.nii.gz`` (uint8,
            1 = LA, 2 = LV), the layout that training reads; with ``dicom`` the folder ``dicom/patient_SEED`` takes the
            place of the image. ``patients.csv`` gets a row a case: kind, contrast, slice thickness in mm, noise in HU,
            true volumes in mL.
        first_seed: of the first patient; the others follow.
        count: number of patients.
        kind: of examination, a name of `kinds`, or ``any``: a kind drawn for each patient.
        kinds: what can be chosen from.
        format: ``nifti`` or ``dicom``.
        contact_sheet: write ``contact_sheet.png``, three planes of every patient with the labels' contours.
        shape: voxels of every case, instead of what the kind draws.
        spacing: mm of every case, instead of what the kind draws.
        device: where to compute.

    Raises InputError where kind, format or spacing are not what they can be.
    """
    _check(kind, kinds, format, spacing)
    folder, rows, tiles = Path(output_dir).expanduser(), [], []
    (folder / "labels").mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        for seed in tqdm(range(first_seed, first_seed + count), unit="patient"):
            chosen = kind
            if kind == ANY:
                chosen = str(random_stream(seed, Stream.CASE).spawn(1)[0].choice(sorted(kinds)))
            case, name = generate_case(seed, kinds[chosen], shape, spacing, device), f"patient_{seed:06d}"
            _write(folder, name, case, seed, format)
            rows.append(_row(name, chosen, case))
            if contact_sheet:
                tiles.append(draw_tile(case, f"{name}, {chosen}, {case.acquisition.contrast}"))
    _write_table(folder / TABLE, rows)
    if contact_sheet:
        write_sheet(folder / SHEET, tiles)


def _check(kind: str, kinds: Mapping[str, Kind], format: str, spacing: Sequence[float] | None) -> None:
    """What the table of keys cannot say: which kinds there are, and that `spacing`, one number elsewhere, is three."""
    for key, value, hint in (
        ("kind", kind, one_of([*kinds, ANY])(kind)),
        ("format", format, one_of(FORMATS)(format)),
        ("spacing", spacing, optional(several(3, number(above=0), "three numbers of mm"))(spacing)),
    ):
        if hint is not None:
            raise InputError(f"{key}: {value}; {hint}")


def _write(folder: Path, name: str, case: Case, seed: int, format: str) -> None:
    nibabel.save(nibabel.Nifti1Image(case.labels, case.affine), folder / "labels" / f"{name}.nii.gz")
    if format == "dicom":
        write_series(folder / "dicom" / name, case, seed)
    else:
        (folder / "images").mkdir(exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(case.image, case.affine), folder / "images" / f"{name}.nii.gz")


def _row(name: str, kind: str, case: Case) -> dict[str, Any]:
    scan = case.acquisition
    volumes = [round(case.volumes_ml[structure], 1) for structure in STRUCTURES]
    values = (name, kind, scan.contrast, round(scan.slice_thickness, 2), round(scan.noise, 1), *volumes)
    return dict(zip(COLUMNS, values, strict=True))


def _write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows, after those that earlier calls wrote of other cases."""
    table = {}
    if path.is_file():
        with open(path, newline="") as stream:
            table = {row["case"]: row for row in csv.DictReader(stream)}
    table |= {row["case"]: row for row in rows}
    with open(path, "w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(table[name] for name in sorted(table))
