"""Every phase of a heart beat through the inference workflow, in this process, with the stand-in networks."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import pydicom
import pytest
import SimpleITK
import torch
import trimesh
from dicom_files import write_series
from monai.data import MetaTensor
from stand_in import OBLIQUE

from custom.frames import centred_affine
from custom.inference import SmoothMotiond
from custom.mesh import Mesh

PERCENTS = (0, 35, 50, 75)
FAST = {"test_time_augmentation": [], "volume_size": 64}
"""Keys that cost these tests nothing of what they look at."""


@pytest.fixture
def study(tmp_path: Path, volume) -> Path:
    """Four series of one study, each in its folder, and a second reconstruction of one."""
    for index, percent in enumerate((*PERCENTS, 50)):

        def edit(header, _, index=index, percent=percent):
            header.StudyInstanceUID, header.SeriesNumber = "1.2.3", index + 1
            header.PatientSize, header.PatientWeight = 1.8, 80
            header.SeriesDescription = f"CTA {percent} %"
            header.ConvolutionKernel = "B26f" if index < len(PERCENTS) else "B70f"

        write_series(tmp_path / "study" / f"s{index}", volume + index, series=f"1.2.3.{index + 1}", edit=edit)
    return tmp_path / "study"


def _report(folder: Path, name: str) -> dict:
    return json.loads((folder / f"{name}_report.json").read_text())


def test_a_study_of_a_series_a_phase_gets_all_files_and_is_skipped_afterwards(study, workflow):
    made = workflow(input=str(study), phase="all", **FAST, formats=["vtk", "ply"], dicom_output=True)
    made.run()
    made.finalize()
    folder, report = study.parent, _report(study.parent, "study")

    assert [phase["percent"] for phase in report["phases"]] == list(PERCENTS)
    assert report["series"]["series_number"] <= len(PERCENTS)
    assert sorted(report["files"]) == sorted(
        path.name
        for path in folder.iterdir()
        if path.is_file() and path.name.startswith("study") and path.name != "study_report.json"
    )
    segmentation = pydicom.dcmread(folder / "study.seg.dcm")
    assert segmentation.ReferencedSeriesSequence[0].SeriesInstanceUID == report["series"]["series_uid"]
    assert report["percent"] == PERCENTS[report["series"]["series_number"] - 1]
    for index, percent in enumerate(PERCENTS):  # each phase has its own, of its own series
        of_phase = pydicom.dcmread(folder / f"study_p{percent:02d}.seg.dcm").ReferencedSeriesSequence[0]
        assert of_phase.SeriesInstanceUID in {f"1.2.3.{number}" for number in (index + 1, 5)}
    for chamber in ("LA", "LV"):
        listed = json.loads((folder / f"study_{chamber}.vtk.series").read_text())["files"]
        assert [file["time"] for file in listed] == list(PERCENTS)
        assert all((folder / file["name"]).is_file() for file in listed)
        files = [folder / file["name"].replace(".vtk", ".ply") for file in listed]
        meshes = [trimesh.load_mesh(file, process=False) for file in files]
        assert all(np.array_equal(mesh.faces, meshes[0].faces) for mesh in meshes)
    labels = SimpleITK.ReadImage(str(folder / "study_labels.nii.gz"))
    assert labels.GetDimension() == 4 and labels.GetSize()[3] == len(PERCENTS)
    _check_sequence(folder)
    assert report["body_surface_m2"] == 2.0 and "la_volume_index" in report["measurements"]
    assert all(set(phase["landmarks"]) >= {"mitral_annulus", "lv_apex"} for phase in report["phases"])
    measures = json.loads((folder / "study_function.json").read_text())["measures"]
    fraction = measures["LV_ejection_fraction"]
    assert fraction["value"] is None and "4 are not to be trusted" in fraction["reason"]  # of random voxels
    rows = list(csv.DictReader((folder / "study_function.csv").open()))
    assert [(float(row["percent"]), row["LV_ml"], row["LV_trust"]) for row in rows] == [
        (percent, "", "do not use") for percent in PERCENTS
    ]

    again = workflow(input=str(study), phase="all", **FAST, formats=["vtk", "ply"], skip_existing=True)
    again.run()
    assert [row["status"] for row in again.evaluator.rows] == ["skipped"]


def _check_sequence(folder: Path) -> None:
    """What an independent reader of NRRD makes of the sequence: the label maps, in the same place, cut to the heart."""
    sequence, header = nrrd.read(str(folder / "study_labels.seq.nrrd"))
    whole = nibabel.load(folder / "study_labels.nii.gz")
    assert header["DataNodeClassName"] == "vtkMRMLLabelMapVolumeNode" and header["axis 0 index type"] == "numeric"
    assert [float(value) for value in header["axis 0 index values"].split()] == list(PERCENTS)
    assert list(header["kinds"]) == ["list", "domain", "domain", "domain"]
    assert header["space"] == "left-posterior-superior"
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = header["space directions"][1:].T, header["space origin"]
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    for index in range(len(PERCENTS)):
        labels, own = np.asarray(whole.dataobj)[..., index], sequence[index]
        assert labels.any() and (own > 0).sum() == (labels > 0).sum()
        at = nibabel.affines.apply_affine(np.linalg.inv(whole.affine) @ affine, np.argwhere(own)).round().astype(int)
        np.testing.assert_array_equal(labels[tuple(at.T)], own[own > 0])


def test_volumes_of_one_file_lie_at_their_own_places(tmp_path, workflow, volume):
    """Phases that are only counted are taken as even; the label map is that of each phase, on the file's own grid."""
    image = nibabel.Nifti1Image(np.stack([volume, volume, volume], axis=-1), OBLIQUE)
    nibabel.save(image, tmp_path / "ct.nii.gz")
    workflow(input=str(tmp_path / "ct.nii.gz"), phase="all", **FAST, formats="stl").run()
    report = _report(tmp_path, "ct")
    assert [phase["percent"] for phase in report["phases"]] == [0.0, 33.3, 66.7]
    assert "phases_assumed" in report["outcomes"] and "no_function" in report["outcomes"]
    measures = report["function"]["measures"]
    assert all(measure["value"] is None and "phases can be used" in measure["reason"] for measure in measures.values())
    beat = nibabel.load(tmp_path / "ct_labels.nii.gz")
    np.testing.assert_allclose(beat.affine, OBLIQUE, atol=1e-4)
    second = np.asarray(beat.dataobj)[..., 1]
    workflow(input=str(tmp_path / "ct.nii.gz"), phase=2, **FAST, formats="stl", overwrite=True).run()
    single = nibabel.load(tmp_path / "ct_labels.nii.gz")
    np.testing.assert_array_equal(second, np.asarray(single.dataobj))
    left = sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("ct_"))
    assert left == ["ct_LA.stl", "ct_LV.stl", "ct_labels.nii.gz", "ct_preview.png", "ct_report.json"]


def test_files_named_by_their_phases_are_one_beat_beside_other_cases(tmp_path, workflow, volume, write_nifti):
    for name in ("ct_p75", "ct_p05", "ct_p30", "other", "alone_p10"):
        write_nifti(tmp_path / "in" / f"{name}.nii.gz", volume, OBLIQUE)
    for given in (tmp_path / "in", tmp_path / "in" / "ct_p30.nii.gz"):
        made = workflow(input=str(given), phase="all", **FAST, formats="stl", output_dir=str(tmp_path / given.name))
        made.run()
        assert [phase["percent"] for phase in _report(tmp_path / given.name, "ct")["phases"]] == [5.0, 30.0, 75.0]
    rows = json.loads((tmp_path / "in" / "ct_report.json").read_text())
    assert "phases_assumed" not in rows["outcomes"] and rows["input"]["file"].startswith("ct_p")
    write_nifti(tmp_path / "in" / "ct_5%.nii.gz", volume, OBLIQUE)
    made = workflow(input=str(tmp_path / "in"), phase="all", **FAST, formats="stl", output_dir=str(tmp_path / "in"))
    made.run()
    outcomes = {row["case"]: row["outcome"] for row in made.evaluator.rows}
    assert outcomes == {"alone_p10": "one_phase", "ct": "doubled_phase", "other": "one_phase"}


def test_what_is_no_beat_is_refused_by_name(tmp_path, workflow, volume, write_nifti):
    write_nifti(tmp_path / "one.nii.gz", volume, OBLIQUE)
    bolus = nibabel.Nifti1Image(np.stack([volume] * 3, axis=-1), OBLIQUE)
    bolus.header["pixdim"][4] = 2.0
    bolus.header.set_xyzt_units("mm", "sec")
    nibabel.save(bolus, tmp_path / "bolus.nii.gz")
    made = workflow(input=str(tmp_path), phase="all")
    made.run()
    assert {row["case"]: row["outcome"] for row in made.evaluator.rows} == {"bolus": "no_beat", "one": "one_phase"}


def test_a_phase_in_which_the_network_disagrees_counts_less_in_the_motion():
    sphere = trimesh.creation.icosphere(3)
    image = MetaTensor(torch.zeros(1, 32, 32, 32), affine=centred_affine((32,) * 3, (2,) * 3))
    centres = np.stack(np.meshgrid(*[np.arange(-31.0, 32, 2)] * 3, indexing="ij"), axis=-1)

    def ball(radius: float) -> torch.Tensor:
        return torch.from_numpy(2 * (np.linalg.norm(centres, axis=-1) < radius).astype(np.uint8))[None]

    def beat(seen: float) -> dict:
        """Nine phases of a still sphere of 10 mm and one of 20 mm, which the network saw as large as `seen`."""
        return {
            "seconds": {},
            "phases": [
                {
                    "percent": 10.0 * index,
                    "image": image,
                    "meshes": [Mesh("LV", sphere.vertices * (20 if index == 3 else 10), sphere.faces)],
                    "segmentation": ball(seen if index == 3 else 10),
                }
                for index in range(10)
            ],
        }

    def radius(record: dict) -> float:
        return float(np.linalg.norm(SmoothMotiond(4, ["LV"])(record)["phases"][3]["meshes"][0].vertices, axis=1).mean())

    largest = [phase["largest_ml"]["LV"] for phase in SmoothMotiond(4, ["LV"])(beat(20))["phases"]]
    assert largest == pytest.approx([4 / 3 * np.pi * 2**3] * 10, rel=0.02)
    assert radius(beat(10)) < 13 < 16 < radius(beat(20))
    record = beat(20)
    record["phases"][0]["meshes"] = [Mesh("LV", sphere.vertices[:-1], sphere.faces[:1])]  # does not correspond
    assert radius(record) == pytest.approx(20.0)


def test_each_phase_is_drawn_to_the_edges_of_its_own_scan(study, workflow):
    """And what lies between the common motion and a phase by itself is told as it was before."""
    reports, volumes = {}, {}
    for share in (0.0, 1.0):
        made = workflow(input=str(study), phase="all", **FAST, edge_snapping=share, formats=["ply"])
        made.run()
        reports[share] = _report(study.parent, "study")
        files = [study.parent / f"study_p{percent:02d}_LV.ply" for percent in PERCENTS]
        volumes[share] = [trimesh.load_mesh(file, process=False).volume for file in files]
    assert all(abs(one - other) > 1 for one, other in zip(volumes[0.0], volumes[1.0], strict=True))
    assert reports[1.0]["seconds"]["edges"] > 0 and "edges" not in reports[0.0]["seconds"]
