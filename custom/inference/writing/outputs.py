"""The files of a case: which there are, and whether an earlier run left them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...dicom import SC_ENDING, SEG_ENDING, SR_ENDING, STL_ENDING
from ...inputs import ALL, selected, wanted_structures
from ...mesh import Mesh
from ...reading.archives import opened
from ...reading.kinds import LABEL_MAP_ENDING, SEQUENCE_ENDING
from ...text import printable
from ...viewer import Page, Phase
from ..quality.doubt import measured_of
from ..quality.values import values_of
from ..record import Record
from .earlier_reports import REPORT_ENDING, is_foreign_report, parse_report, read_report
from .files import alone, check_place, encode_label_maps, write_together
from .markups import encode_markups
from .mesh_files import ENCODERS, encode_stl
from .permissions import permissions_of
from .preview import render_capture

PREVIEW_ENDING, VIEW_ENDING, LANDMARKS_ENDING = "_preview.png", "_view.html", "_landmarks.mrk.json"
FUNCTION_ENDING, TABLE_ENDING, CURVES_ENDING = "_function.json", "_function.csv", "_function.png"
FORCED = "; FORCED, see report"
"""What every file says of a case that was refused but for `force`."""


class Outputs:
    """The files that a call asks for, beside each case's report.

    Args:
        structures: of `custom.chambers.STRUCTURES`.
        formats: of meshes, of `ENCODERS`.
        dicom: for DICOM input also an Encapsulated STL a structure, a DICOM SEG, an SR, and a secondary capture.
        viewer: also a page to look at.
        window: HU that are -1 and +1 in the crop, for the page.
        beat: also those of all phases of a heart beat.
        overwrite: in place of whatever stands under their names; otherwise only of what an earlier run has written.
    """

    def __init__(
        self,
        structures: str | Sequence[str],
        formats: str | Sequence[str],
        dicom: bool = False,
        overwrite: bool = False,
        viewer: bool = False,
        window: Sequence[float] = (-1.0, 1.0),
        beat: bool = False,
    ) -> None:
        self.structures = wanted_structures(structures)
        self.formats = selected(formats, tuple(ENCODERS), "formats")
        self.dicom = dicom
        self.overwrite = overwrite
        self.viewer = viewer
        self.page = Page(window)
        self.beat = beat

    def names(self, case: str) -> list[str]:
        """The files that a case of this name may get, its report last."""
        meshes = [f"{case}_{chamber}.{kind}" for chamber in self.structures for kind in self.formats]
        return [
            *meshes,
            f"{case}{LABEL_MAP_ENDING}",
            f"{case}{PREVIEW_ENDING}",
            f"{case}{LANDMARKS_ENDING}",
            *([f"{case}{VIEW_ENDING}"] if self.viewer else ()),
            *(self._dicom_names(case) if self.dicom else ()),
            *([f"{case}{SC_ENDING}"] if self.dicom else ()),
            *(self._beat_names(case) if self.beat else ()),
            f"{case}{REPORT_ENDING}",
        ]

    def check_place(self, case: Mapping[str, str]) -> None:
        """Refuse, with InputError, a case (of `find_cases`) whose files something would be in the way of."""
        name = case["name"]
        check_place(case["folder"], name, self.names(name), _Listed(name), self.overwrite)

    def write(self, case: Mapping[str, str], report: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        """Write the report and `files` (name to content) of a case, in place of those of an earlier run.

        Raises InputError where something is in the way, or the folder cannot be written.
        """
        name = case["name"]
        files = {**files, f"{name}{REPORT_ENDING}": json.dumps(report, indent=2).encode()}
        permissions = permissions_of([case["image"]])
        write_together(case["folder"], name, files, _Listed(name), permissions, self.overwrite)

    def encode(
        self, record: Record, report: Mapping[str, Any], preview: bytes | None, phases: Sequence[Record] = ()
    ) -> dict[str, bytes]:
        """Name to content of a case's files, from the record that `SaveCased` takes, its report and its picture; and,
        of a beat, the records of all its phases.

        Raises InputError where DICOM is asked for and cannot be made.
        """
        case, remark = record["name"], FORCED if report["forced"] else ""
        files = self.encode_meshes(record["meshes"], case, remark)
        labels = encode_label_maps([record["label_map"]], record["label_grid"].affine, remark.strip("; "))
        files[f"{case}{LABEL_MAP_ENDING}"] = labels
        if preview is not None:
            files[f"{case}{PREVIEW_ENDING}"] = preview
        markups = encode_markups(report.get("landmarks", {}), remark)
        if markups is not None:
            files[f"{case}{LANDMARKS_ENDING}"] = markups
        if self.viewer:
            files[f"{case}{VIEW_ENDING}"] = self.page(
                record["image"],
                record["meshes"],
                report,
                measured_of(report["structures"]),
                values_of(report),
                [Phase(phase["image"], phase["meshes"]) for phase in phases],
            )
        if self.dicom and report["series"] is not None:
            picture = None if preview is None else render_capture(record["image"], record["meshes"], report)
            written = self._encode_dicom(record, report, picture, remark)
            files.update({f"{case}{ending}": content for ending, content in written.items()})
        return files

    @staticmethod
    def _encode_dicom(
        record: Record, report: Mapping[str, Any], picture: np.ndarray | None, remark: str
    ) -> dict[str, bytes]:
        # Only here, because highdicom takes seconds to import.
        from ...dicom.objects.encoding import encode_dicom

        surfaces = {mesh.name: encode_stl(mesh, remark) for mesh in record["meshes"]}
        measured = measured_of(report["structures"])
        warnings = list(record["reading"]["warnings"].values())
        with opened(Path(record["image_file"])) as inside:
            places = [(str(inside.parent / file), frame) for file, frame in record["places"]]
            labels, weights = record["own_label_map"].whole(), report["weights_sha256"]
            values, landmarks = values_of(report), report.get("landmarks", {})
            return encode_dicom(
                surfaces, labels, measured, values, landmarks, warnings, picture, places, weights, remark
            )

    def encode_segmentation(self, phase: Record, report: Mapping[str, Any], remark: str) -> dict[str, bytes]:
        """Name to content of the DICOM SEG of a phase of a beat, from its record with label map and the report of the
        beat; nothing where none is asked for."""
        if not self.dicom or report["series"] is None:
            return {}
        from ...dicom.objects.encoding import encode_segmentation  # only here, as above

        names = [mesh.name for mesh in phase["meshes"]]
        with opened(Path(phase["image_file"])) as inside:
            places = [(str(inside.parent / file), frame) for file, frame in phase["places"]]
            labels, weights = phase["own_label_map"].whole(), report["weights_sha256"]
            content = encode_segmentation(names, labels, places, weights, remark)
        return {f"{phase_name(phase['name'], phase['percent'])}{SEG_ENDING}": content}

    def encode_meshes(self, meshes: Sequence[Mesh], case: str, remark: str = "") -> dict[str, bytes]:
        """Name to content of the mesh files of a case; `remark` goes into their titles."""
        return {f"{case}_{mesh.name}.{kind}": ENCODERS[kind](mesh, remark) for mesh in meshes for kind in self.formats}

    def finished(self, case: Mapping[str, str]) -> dict[str, Any] | None:
        """The report of an earlier run of a case (of `find_cases`) that left all these files; None where it did not.

        Only names are looked at: an image that was replaced by another of its name since counts as done.
        """
        folder, name = Path(case["folder"]), case["name"]
        report = read_report(folder, name)
        if report.get("status") != "done":
            return None
        listed = _Listed(name).files(report)
        wanted = {f"{name}_{chamber}.{kind}" for chamber in self.structures for kind in self.formats}
        if self.dicom and report.get("series") is not None:
            wanted |= set(self._dicom_names(name))
        if self.viewer:
            wanted.add(f"{name}{VIEW_ENDING}")
        if self.beat:
            wanted.add(f"{name}{FUNCTION_ENDING}")
        return report if wanted <= listed and all((folder / file).is_file() for file in listed) else None

    def still_there(self, case: Mapping[str, str]) -> bool:
        """Whether all these files are there, also where another run is writing them anew just now."""
        if self.finished(case) is not None:
            return True
        try:
            with alone(Path(case["folder"]), case["name"]):
                return self.finished(case) is not None
        except OSError:
            return False

    def _dicom_names(self, case: str) -> list[str]:
        """But for the secondary capture, which there is only with a preview."""
        surfaces = [f"{case}_{chamber}{STL_ENDING}" for chamber in self.structures]
        return [*surfaces, f"{case}{SEG_ENDING}", f"{case}{SR_ENDING}"]

    def _beat_names(self, case: str) -> list[str]:
        """The files that a beat has beside those of one phase, whatever its phases are."""
        cases = [phase_name(case, percent) for percent in range(100)]
        return [
            *(f"{phase}_{chamber}.{kind}" for phase in cases for chamber in self.structures for kind in self.formats),
            *(f"{phase}{SEG_ENDING}" for phase in cases if self.dicom),
            *(f"{case}_{chamber}.vtk.series" for chamber in self.structures if "vtk" in self.formats),
            *(f"{case}{ending}" for ending in (SEQUENCE_ENDING, FUNCTION_ENDING, TABLE_ENDING, CURVES_ENDING)),
        ]


EVERY_OUTPUT = Outputs(ALL, tuple(ENCODERS), dicom=True, viewer=True, beat=True)
"""All files that any call can ask for."""


def phase_name(case: str, percent: float) -> str:
    """What the files of a phase are named after: that of 5 % is `CASE_p05`."""
    return f"{case}_p{round(percent) % 100:02d}"


class _Listed:
    """For `write_together`: the files that a case's report at some path tells of, as far as they can be its own."""

    def __init__(self, case: str) -> None:
        self.case = case

    def __call__(self, path: Path) -> set[str]:
        if is_foreign_report(path):
            return set()
        try:
            report = parse_report(path, self.case)
        except ValueError:
            report = {}
        return {f"{self.case}{REPORT_ENDING}"} | self.files(report)

    def files(self, report: Mapping[str, Any]) -> set[str]:
        """Those beside the report."""
        listed = report.get("files", [])
        return {name for name in EVERY_OUTPUT.names(self.case) if printable(name) in listed}
