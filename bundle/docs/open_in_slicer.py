"""A case in 3D Slicer in one step: surfaces in their colours, outlined in the slice views, label map, and CT.

    Slicer --python-script open_in_slicer.py ct_report.json ct.nii.gz

The second file is the CT; leave it out where it was DICOM, and load the series in Slicer's DICOM browser before. The
files that the report tells of lie beside it. Runs in Slicer's own Python and needs nothing of this package.
"""

import json
import sys
from pathlib import Path

import slicer

COLOURS = {"LA": (63, 182, 255), "LV": (255, 107, 87)}


def open_case(report_file: str, ct_file: str | None = None) -> None:
    path = Path(report_file)
    report = json.loads(path.read_text())
    case = path.name.removesuffix("_report.json")
    forced = ", FORCED" if report["forced"] else ""
    for chamber, checks in report["structures"].items():
        surfaces = [path.with_name(f"{case}_{chamber}.{kind}") for kind in ("vtk", "stl", "ply", "obj")]
        model = slicer.util.loadModel(str(next(surface for surface in surfaces if surface.is_file())))
        model.SetName(f"{chamber}: {checks['trust']}{forced}")
        display = model.GetDisplayNode()
        display.SetColor(*(part / 255 for part in COLOURS[chamber]))
        display.SetVisibility2D(True)
        display.SetSliceIntersectionThickness(2)
    slicer.util.loadSegmentation(str(path.with_name(f"{case}_labels.nii.gz"))).SetDisplayVisibility(False)
    if ct_file is not None:
        slicer.util.setSliceViewerLayers(background=slicer.util.loadVolume(ct_file), fit=True)
    slicer.util.resetThreeDViews()
    for warning in report["warnings"]:
        print(warning)


open_case(*sys.argv[1:])
