"""As many generated cases as are asked for, as files: what `synthesize.json` puts together."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from ..calls.kinds import number, one_of, optional, several
from ..chambers import LABELS, LEFT_HEART
from ..inputs import InputError
from ..runtime.interruption import heed_signals, held, interrupted, settle
from ..runtime.small_files import read_small
from ..runtime.standard_streams import open_standard_streams
from .beating import percents
from .case import Case, Kind, generate_beat, generate_case
from .contact_sheet import draw_tile, write_sheet
from .dicom_series import write_beat, write_series
from .rhythm import Rhythm
from .streams import stream
from .structures import LEFT_HEART_LABELS, MM_WHS, label_map
from .truth import Truth, landmarks_of_beat

ANY, CHAMBERS = "any", "chambers"
LABEL_SETS = {CHAMBERS: LEFT_HEART_LABELS, "whole-heart": LABELS, "mm-whs": MM_WHS}
DICOM, ONE_SERIES = "dicom", "dicom-one-series"
FORMATS = ("nifti", DICOM, ONE_SERIES)
MOVING = ("mitral annulus", "aortic annulus", "apex")
"""Landmarks that a beat's truth holds of each phase."""
TABLE, SHEET = "patients.csv", "contact_sheet.png"
COLUMNS = ("case", "kind", "contrast", "slice_thickness", "noise", *(f"{name}_ml" for name in LEFT_HEART))


def synthesize(
    output_dir: str | Path,
    first_seed: int,
    count: int,
    kind: str,
    kinds: Mapping[str, Kind],
    format: str = "nifti",
    labels: str = CHAMBERS,
    closed_leaflets: bool = False,
    regions: bool = False,
    contact_sheet: bool = False,
    shape: Sequence[int] | None = None,
    spacing: Sequence[float] | None = None,
    phases: int | None = None,
    lost_phases: int = 0,
    device: torch.device | str = "cpu",
) -> None:
    """Generate patients and write their CTs with labels.

    Args:
        output_dir: receives ``images/patient_SEED.nii.gz`` (int16 HU) and ``labels/patient_SEED.nii.gz``, the layout
            that training reads; with ``dicom`` the folder ``dicom/patient_SEED`` takes the place of the image.
            ``truth/patient_SEED.json`` holds landmarks, valve planes and ostia in RAS mm (see `Truth.landmarks`).
            ``patients.csv`` gets a row a case: kind, contrast, slice thickness in mm, noise in HU, true volumes in mL.
        first_seed: of the first patient; the others follow.
        count: number of patients.
        kind: of examination, a name of `kinds`, or ``any``: one drawn for each patient of those that have one phase.
        kinds: what can be chosen from.
        format: ``nifti`` or ``dicom``, or ``dicom-one-series``, where all phases of a beat are one series.
        labels: ``chambers`` (uint8, 1 = LA, 2 = LV); seven structures as ``whole-heart`` (uint8, values of
            `custom.chambers.LABELS`) or ``mm-whs`` (int16, that challenge's values).
        closed_leaflets: where the mitral valve is closed the atrium's label reaches down to its leaflets, instead of
            ending at their hinges.
        regions: write ``regions/patient_SEED.nii.gz`` as well, uint8, values of `truth.REGIONS`.
        contact_sheet: write ``contact_sheet.png``, three planes of every patient with the labels' contours.
        shape: voxels of every case, instead of what the kind draws.
        spacing: mm of every case, instead of what the kind draws.
        phases: of a beat that each patient's heart is scanned in, see `generate_beat`; None means as many as the kind
            has. With more than one, images and labels are NIfTI files of as many volumes, or the series of a study;
            ``truth`` holds also the `beat`, with the true volumes, and landmarks are, as the table's volumes, those of
            end-diastole, its first phase.
        lost_phases: of these, drawn for each patient, that are not there, as where the heart beat too unevenly to
            reconstruct them; never the first.
        device: where to compute.

    Raises InputError where kind, format, spacing or phases are not what they can be, or ``patients.csv`` is another
    program's, and `Interrupted` if a signal ends the run: the cases in the table are whole, and no others are there.
    """
    _check(kind, kinds, format, labels, spacing)
    phases = phases or (1 if kind == ANY else kinds[kind].phases)
    if lost_phases >= phases:
        raise InputError(f"lost_phases: {lost_phases}; give less than there are `phases`, {phases}")
    if phases > 1 and (regions or contact_sheet):
        raise InputError("regions and contact_sheet are made of one phase: leave out `phases`")
    folder, tiles = Path(output_dir).expanduser(), []
    _read_table(folder / TABLE)
    (folder / "labels").mkdir(parents=True, exist_ok=True)
    open_standard_streams()
    heed_signals()
    still = sorted(name for name, each in kinds.items() if each.phases == 1)
    with torch.no_grad():
        for seed in tqdm(range(first_seed, first_seed + count), unit="patient"):
            chosen = kind
            if kind == ANY:
                chosen = str(stream(seed, "kind").choice(still))
            name, drawn = f"patient_{seed:06d}", (seed, kinds[chosen])
            if phases > 1:
                kept = _kept(seed, phases, lost_phases)
                beat = list(generate_beat(*drawn, kept, shape, spacing, device))
            else:
                beat = [(0.0, generate_case(*drawn, shape, spacing, device))]
            case = beat[0][1]
            maps = [label_map(each.structures, LABEL_SETS[labels], closed_leaflets).numpy() for _, each in beat]
            _write(folder, name, beat, _stacked(maps), regions, seed, format, _row(name, chosen, case))
            if contact_sheet:
                tiles.append(draw_tile(case, f"{name}, {chosen}, {case.acquisition.contrast}"))
            if interrupted():
                break
    if contact_sheet and not interrupted():
        write_sheet(folder / SHEET, tiles)
    settle()


def _kept(seed: int, phases: int, lost: int) -> list[float]:
    """Per cent of the beat of those phases that are not lost."""
    gone = stream(seed, "lost phases").choice(phases - 1, lost, replace=False) + 1 if lost else ()
    return [percent for place, percent in enumerate(percents(phases)) if place not in gone]


def _check(kind: str, kinds: Mapping[str, Kind], format: str, labels: str, spacing: Sequence[float] | None) -> None:
    """What the table of keys cannot say: which kinds there are, and that `spacing`, one number elsewhere, is three."""
    for key, value, hint in (
        ("kind", kind, one_of([*kinds, ANY])(kind)),
        ("format", format, one_of(FORMATS)(format)),
        ("labels", labels, one_of(tuple(LABEL_SETS))(labels)),
        ("spacing", spacing, optional(several(3, number(above=0), "three numbers of mm"))(spacing)),
    ):
        if hint is not None:
            raise InputError(f"{key}: {value}; {hint}")


def _write(
    folder: Path,
    name: str,
    beat: Sequence[tuple[float, Case]],
    label: NDArray,
    regions: bool,
    seed: int,
    format: str,
    row: Mapping[str, Any],
) -> None:
    """Write a case of one phase or several and its row, whole or not at all: first into a hidden folder."""
    case = beat[0][1]
    unfinished, truth = folder / f".{name}.part", Truth(case.patient, case.shift)
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        parts = [Path("truth", f"{name}.json"), Path("labels", f"{name}.nii.gz")]
        (unfinished / "truth").mkdir(parents=True)
        (unfinished / parts[0]).write_text(json.dumps(truth.landmarks() | _beat(beat), indent=1))
        _save(unfinished / parts[1], label, case)
        if regions:
            parts.append(Path("regions", f"{name}.nii.gz"))
            _save(unfinished / parts[-1], truth.regions(case.structures, case.affine).numpy(), case)
        if format in (DICOM, ONE_SERIES):
            parts.append(Path("dicom", name))
            if len(beat) > 1:
                write_beat(unfinished / parts[-1], beat, seed, format == ONE_SERIES)
            else:
                write_series(unfinished / parts[-1], case, seed)
        else:
            parts.append(Path("images", f"{name}.nii.gz"))
            _save(unfinished / parts[-1], _stacked([each.image for _, each in beat]), case)
        with held():
            for part in parts:  # the image last: nothing looks for the image of a label map
                (folder / part).parent.mkdir(exist_ok=True)
                if (folder / part).is_dir():
                    shutil.rmtree(folder / part)
                os.replace(unfinished / part, folder / part)
            _write_table(folder / TABLE, row)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _stacked(volumes: Sequence[NDArray]) -> NDArray:
    """One volume as it is; several along a fourth axis."""
    return volumes[0] if len(volumes) == 1 else np.stack(volumes, axis=-1)


def _beat(beat: Sequence[tuple[float, Case]]) -> dict[str, Any]:
    """What is true of a beat of several phases: volumes by counting voxels, and the landmarks that move."""
    if len(beat) == 1:
        return {}
    rhythm = Rhythm(beat[0][1].patient.seed)
    landmarks = landmarks_of_beat([Truth(case.patient, case.shift) for _, case in beat])
    return {
        "beat": {
            "percent": [percent for percent, _ in beat],
            "volume_ml": {name: [round(case.volumes_ml[name], 2) for _, case in beat] for name in LEFT_HEART},
            **{name: [each[name] for each in landmarks] for name in MOVING},
            "beats_per_minute": round(rhythm.rate, 1),
            "fibrillates": rhythm.fibrillates,
        }
    }


def _save(path: Path, volume: NDArray, case: Case) -> None:
    path.parent.mkdir(parents=True)
    nibabel.save(nibabel.Nifti1Image(volume, case.affine), path)


def _row(name: str, kind: str, case: Case) -> dict[str, Any]:
    scan = case.acquisition
    volumes = [round(case.volumes_ml[structure], 1) for structure in LEFT_HEART]
    values = (name, kind, scan.contrast, round(scan.slice_thickness, 2), round(scan.noise, 1), *volumes)
    return dict(zip(COLUMNS, values, strict=True))


def _read_table(path: Path) -> dict[str, Mapping[str, Any]]:
    """The rows that earlier calls wrote, by case.

    Raises InputError where another kind of file stands there.
    """
    if not os.path.lexists(path):
        return {}
    try:
        reader = csv.DictReader(io.StringIO(read_small(path).decode(), newline=""))
        if "case" not in (reader.fieldnames or ()) or not set(reader.fieldnames) <= set(COLUMNS):
            raise ValueError("other columns")
        return {row["case"]: row for row in reader}
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path.name} there is no table of generated patients: set another `output_dir`") from error


def _write_table(path: Path, row: Mapping[str, Any]) -> None:
    """Write the row beside those that are there of other cases."""
    table = {**_read_table(path), row["case"]: row}
    unfinished = path.with_name(f".{path.name}")
    with open(unfinished, "w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(table[name] for name in sorted(table))
    os.replace(unfinished, path)
