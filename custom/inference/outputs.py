"""The files of a case: which there are, and whether an earlier run left them."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..chambers import STRUCTURES
from ..dicom import SEG_ENDING, STL_ENDING
from ..inputs import InputError
from ..reading.archives import opened
from ..reading.kinds import LABEL_MAP_ENDING
from .files import encode_nifti, read_report
from .mesh_files import ENCODERS, Mesh, encode_stl

PREVIEW_ENDING = "_preview.png"
FORCED = "; FORCED, see report"
"""What every file says of a case that was refused but for `force`."""


def selected(names: str | Sequence[str], known: Sequence[str], what: str) -> list[str]:
    """`names` (one, several, or several joined by commas; any case) as `known` spells them, in the order of `known`.

    Raises InputError if one is not in `known` or none is given.
    """
    parts = names.split(",") if isinstance(names, str) else names
    asked = {str(part).strip().lower() for part in parts}
    unknown = asked - {name.lower() for name in known}
    if unknown or not asked:
        raise InputError(f"{what}: {', '.join(sorted(unknown)) or 'none given'}; choose from {', '.join(known)}")
    return [name for name in known if name.lower() in asked]


class Outputs:
    """The files that a call asks for, beside each case's report.

    Args:
        structures: of `STRUCTURES`.
        formats: of meshes, of `ENCODERS`.
        dicom: for DICOM input also an Encapsulated STL a structure, and a DICOM SEG.
    """

    def __init__(self, structures: str | Sequence[str], formats: str | Sequence[str], dicom: bool = False) -> None:
        self.structures = selected(structures, STRUCTURES, "structures")
        self.formats = selected(formats, tuple(ENCODERS), "formats")
        self.dicom = dicom

    def encode(self, record: Mapping[Hashable, Any], report: Mapping[str, Any], preview: bytes) -> dict[str, bytes]:
        """Name to content of a case's files, from the record that `SaveCased` takes, its report and its picture.

        Raises InputError where DICOM is asked for and cannot be made.
        """
        case, remark = report["case"], FORCED if report["forced"] else ""
        files = self.encode_meshes(record["meshes"], case, remark)
        labels = encode_nifti(record["label_map"], record["label_grid"].affine, remark.strip("; "))
        files[f"{case}{LABEL_MAP_ENDING}"] = labels
        files[f"{case}{PREVIEW_ENDING}"] = preview
        if self.dicom and report["series"] is not None:
            # Only here, because highdicom takes seconds to import.
            from ..dicom.writing import encode_dicom

            surfaces = {mesh.name: encode_stl(mesh, remark) for mesh in record["meshes"]}
            with opened(Path(record["image_file"])) as inside:
                places = [(str(inside.parent / file), frame) for file, frame in json.loads(record["places"])]
                written = encode_dicom(surfaces, record["own_label_map"], places, report["weights_sha256"], remark)
            files.update({f"{case}{ending}": content for ending, content in written.items()})
        return files

    def encode_meshes(self, meshes: Sequence[Mesh], case: str, remark: str = "") -> dict[str, bytes]:
        """Name to content of the mesh files of a case; `remark` goes into their titles."""
        return {f"{case}_{mesh.name}.{kind}": ENCODERS[kind](mesh, remark) for mesh in meshes for kind in self.formats}

    def finished(self, case: Mapping[str, str]) -> dict[str, Any] | None:
        """The report of an earlier run of a case (of `find_cases`) that left all these files; None where it did not.

        Only names are looked at: an image that was replaced by another of its name since counts as done.
        """
        folder, name = Path(case["folder"]), case["name"]
        report = read_report(folder, name)
        listed = report.get("files")
        if report.get("status") != "done" or not isinstance(listed, list):
            return None
        wanted = [f"{name}_{chamber}.{kind}" for chamber in self.structures for kind in self.formats]
        if self.dicom and report.get("series") is not None:
            wanted += [f"{name}_{chamber}{STL_ENDING}" for chamber in self.structures] + [f"{name}{SEG_ENDING}"]
        there = set(wanted) <= set(listed) and all((folder / file).is_file() for file in listed)
        return report if there else None
