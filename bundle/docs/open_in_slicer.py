"""A case in 3D Slicer in one step: surfaces in their colours, outlined in the slice views, label map, and CT.

The surfaces of a beat move: the buttons of the module *Sequences* play them.

    Slicer --python-script open_in_slicer.py ct_report.json ct.nii.gz

The second file is the CT; leave it out where it was DICOM, and load the series in Slicer's DICOM browser before. The
files that the report tells of lie beside it. Runs in Slicer's own Python and needs nothing of this package.
"""

import json
import sys
from pathlib import Path

import slicer

COLOURS = {
    "LA": (63, 182, 255),
    "LV": (255, 107, 87),
    "RA": (125, 123, 255),
    "RV": (47, 191, 155),
    "MYO": (217, 164, 65),
    "AO": (226, 74, 106),
    "PA": (79, 134, 198),
}


def open_case(report_file: str, ct_file: str | None = None) -> None:
    path = Path(report_file)
    report = json.loads(path.read_text())
    case = path.name.removesuffix("_report.json")
    forced = ", FORCED" if report["forced"] else ""
    models = {}
    for chamber, checks in report["structures"].items():
        models[chamber] = model = load_surface(path.with_name(f"{case}_{chamber}"))
        model.SetName(f"{chamber}: {checks['trust']}{forced}")
        display = model.GetDisplayNode()
        display.SetColor(*(part / 255 for part in COLOURS[chamber]))
        display.SetVisibility2D(True)
        display.SetSliceIntersectionThickness(2)
    if "phases" in report:
        play(models, path.with_name(case), [phase["percent"] for phase in report["phases"]])
    else:  # of a beat it holds several volumes
        slicer.util.loadSegmentation(str(path.with_name(f"{case}_labels.nii.gz"))).SetDisplayVisibility(False)
    if ct_file is not None:
        slicer.util.setSliceViewerLayers(background=slicer.util.loadVolume(ct_file), fit=True)
    slicer.util.resetThreeDViews()
    for warning in report["warnings"]:
        print(warning)


def load_surface(stem):
    """The surface whose file begins so, of whichever kind there is."""
    surfaces = [stem.with_name(f"{stem.name}.{kind}") for kind in ("vtk", "stl", "ply", "obj")]
    return slicer.util.loadModel(str(next(surface for surface in surfaces if surface.is_file())))


def play(models, case, percents) -> None:
    """Let the models show the phases of a beat in turn."""
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", f"{case.name}: beat")
    for chamber, model in models.items():
        sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", f"{chamber}: phases")
        sequence.SetIndexName("percent of the cardiac cycle")
        for percent in percents:
            surface = load_surface(case.with_name(f"{case.name}_p{round(percent) % 100:02d}_{chamber}"))
            sequence.SetDataNodeAtValue(surface, f"{percent:g}")  # a copy
            slicer.mrmlScene.RemoveNode(surface)
        browser.AddSynchronizedSequenceNode(sequence)
        browser.AddProxyNode(model, sequence, False)


open_case(*sys.argv[1:])
