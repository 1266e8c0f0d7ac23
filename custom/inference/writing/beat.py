"""The last step of a beat: its function, the report, and the files of all phases."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os import PathLike
from typing import Any

import numpy as np
import torch

from ...frames import box_around
from ...function.curves import draw_curves
from ...function.excursion import measure_excursion
from ...function.files import as_csv, as_json
from ...function.volumes import end_diastole, measure_function
from ...reading.kinds import LABEL_MAP_ENDING, SEQUENCE_ENDING
from ...runtime.threads import side_by_side
from ...runtime.timing import timed
from ...text import printable
from ..landmarks import FindAnatomyd
from ..quality.indexing import indexed_function
from ..record import Grid, Record
from ..surfaces.label_map import label_grids
from .files import encode_label_maps
from .outputs import CURVES_ENDING, FORCED, FUNCTION_ENDING, TABLE_ENDING, Outputs, phase_name
from .preview import as_png, shorten
from .report import make_report, report_anatomy
from .saving import SaveCased, preview_of
from .sequences import encode_sequence

SERIES_VERSION = "1.0"
"""Of ParaView's list of files over time."""
_OF_PHASE = ("structures", "intersections_between", "warnings", "outcomes")


class SaveBeatd(SaveCased):
    """Write what `SaveCased` writes of the phase at end-diastole, and surfaces, label maps and function of all phases.

    Args:
        outputs, weights, device, amp: as `SaveCased` takes them.
        label_map: gives the record of a phase its label maps.
        anatomy: gives that at end-diastole its landmarks, measurements and regions, and the others what follows it.
    """

    def __init__(
        self,
        outputs: Outputs,
        weights: str | PathLike,
        device: torch.device | str,
        amp: bool,
        label_map: Callable[[Record], Record],
        anatomy: FindAnatomyd,
    ) -> None:
        super().__init__(outputs, weights, device, amp)
        self.label_map = label_map
        self.anatomy = anatomy

    def __call__(self, data: Record) -> Record:
        record = data.copy()
        seconds, name = dict(record["seconds"]), record["name"]
        of_case = {"image_file": record["image_file"], "name": name, "label_grid": label_grids(record["phases"][0])[1]}
        phases = [{**phase, **of_case} for phase in record["phases"]]
        with timed(seconds, "report"):
            reports = [make_report(phase, self.run) for phase in phases]
        percents = [round(phase["percent"], 1) for phase in phases]
        curves = _curves(reports)
        volumes, trusts = ({key: curve[of] for key, curve in curves.items()} for of in ("volume_ml", "trust"))
        chosen = end_diastole(volumes, trusts)
        with timed(seconds, "label_map"):
            # What takes longest comes first, and the others fill the time beside it.
            steps = [partial(self.anatomy, phases[chosen]), *(partial(self.label_map, phase) for phase in phases)]
            own, *phases = side_by_side(steps)
        with timed(seconds, "anatomy"):
            own = {**phases.pop(chosen), **own}
            phases = side_by_side([partial(self.anatomy.follow, phase, own) for phase in phases])
            phases.insert(chosen, own)
        landmarks = [phase["anatomy"].landmarks for phase in phases]
        measures = measure_function(percents, volumes, trusts) | _excursion(percents, landmarks, chosen)
        measures |= indexed_function(measures, own["reading"]["body_surface_m2"])
        report = _report(reports, chosen, percents, curves, landmarks, measures)
        report |= report_anatomy(own)
        with timed(seconds, "files"):
            of_phases, of_case = side_by_side(
                [partial(self._files_of_phases, phases, report), partial(self._files_of_case, phases, chosen, report)]
            )
        return self.write(record, report, of_case | of_phases, seconds)

    def _files_of_case(self, phases: Sequence[Record], chosen: int, report: dict[str, Any]) -> dict[str, bytes]:
        """What every case has, of the chosen phase, and the beat's function; both draw, which Matplotlib does in one
        thread at a time."""
        own = phases[chosen]
        return self.outputs.encode(own, report, preview_of(own, report), phases) | _function_files(own["name"], report)

    def _files_of_phases(self, phases: Sequence[Record], report: Mapping[str, Any]) -> dict[str, bytes]:
        case, remark = phases[0]["name"], FORCED if report["forced"] else ""
        files: dict[str, bytes] = {}
        for phase in phases:
            files |= self.outputs.encode_meshes(phase["meshes"], phase_name(case, phase["percent"]), remark)
        for mesh in phases[0]["meshes"] if "vtk" in self.outputs.formats else ():
            listed = [
                {"name": f"{phase_name(case, phase['percent'])}_{mesh.name}.vtk", "time": round(phase["percent"], 1)}
                for phase in phases
            ]
            series = {"file-series-version": SERIES_VERSION, "files": listed}
            files[f"{case}_{mesh.name}.vtk.series"] = json.dumps(series, indent=1).encode()
        return files | self._label_maps(phases, report, remark)

    def _label_maps(self, phases: Sequence[Record], report: Mapping[str, Any], remark: str) -> dict[str, bytes]:
        """All label maps as one file on the input's voxels, those around the surfaces as a sequence, and of DICOM each
        as a SEG of its own series."""
        case, grid = phases[0]["name"], phases[0]["label_grid"]
        box, affine = box_around(np.concatenate([mesh.vertices for phase in phases for mesh in phase["meshes"]]), *grid)
        maps, said = [phase["label_map"] for phase in phases], remark.strip("; ")
        around = [labels.part(box) for labels in maps]
        percents = [round(phase["percent"], 1) for phase in phases]
        files = {
            f"{case}{LABEL_MAP_ENDING}": encode_label_maps(maps, grid.affine, said),
            f"{case}{SEQUENCE_ENDING}": encode_sequence(around, percents, Grid(around[0].shape, affine), said),
        }
        for phase in phases:
            files |= self.outputs.encode_segmentation(phase, report, remark)
        return files


def _curves(reports: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, list[Any]]]:
    """Of each chamber its volume and trust in each phase."""
    return {
        name: {key: [report["structures"][name][key] for report in reports] for key in ("volume_ml", "trust")}
        for name in reports[0]["structures"]
    }


def _report(
    reports: Sequence[Mapping[str, Any]],
    chosen: int,
    percents: Sequence[float],
    curves: Mapping[str, Any],
    landmarks: Sequence[Mapping[str, Mapping[str, Any]]],
    measures: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """The report of the chosen phase with all `phases` and the `function`."""
    report = dict(reports[chosen])
    doubtful = sum(any(checks["trust"] != "ok" for checks in each["structures"].values()) for each in reports)
    warnings = list(report["warnings"])
    if doubtful:
        warnings.append(f"{doubtful} of {len(reports)} phases hold a surface to be checked or not to be used")
    reasons = dict.fromkeys(measure["reason"] for measure in measures.values() if measure["reason"])
    warnings += [f"not all of the function is measured: {reason}" for reason in reasons]
    return {
        **report,
        "percent": percents[chosen],
        "warnings": warnings,
        "outcomes": [*report["outcomes"], *(["no_function"] if reasons else [])],
        "phases": [
            {"percent": percent, **{key: each[key] for key in _OF_PHASE}, "landmarks": _centres(found)}
            for percent, each, found in zip(percents, reports, landmarks, strict=True)
        ],
        "function": {"case": report["case"], "percent": list(percents), "curves": curves, "measures": measures},
    }


def _excursion(
    percents: Sequence[float], landmarks: Sequence[Mapping[str, Mapping[str, Any]]], end_diastole: int
) -> dict[str, dict[str, Any]]:
    annuli = [found["mitral_annulus"] for found in landmarks]
    apex = landmarks[end_diastole]["lv_apex"]["centre_ras_mm"]
    centres, trusts = ([annulus[key] for annulus in annuli] for key in ("centre_ras_mm", "trust"))
    return measure_excursion(percents, centres, apex, end_diastole, trusts)


def _centres(landmarks: Mapping[str, Mapping[str, Any]]) -> dict[str, list[float] | None]:
    """Where each landmark of a phase lies, RAS mm."""
    centres = {name: landmark["centre_ras_mm"] for name, landmark in landmarks.items()}
    return {name: centre and [round(value, 3) for value in centre] for name, centre in centres.items()}


def _function_files(name: str, report: Mapping[str, Any]) -> dict[str, bytes]:
    function = report["function"]
    percents, curves = function["percent"], function["curves"]
    return {
        f"{name}{FUNCTION_ENDING}": as_json(function),
        f"{name}{TABLE_ENDING}": as_csv(printable(name), percents, curves),
        f"{name}{CURVES_ENDING}": as_png(
            draw_curves(shorten(report["input"]["file"]), percents, curves, function["measures"])
        ),
    }
