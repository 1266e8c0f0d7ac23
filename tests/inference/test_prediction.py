"""`load_model().predict(...)` against the command's files, with the stand-in networks."""

from __future__ import annotations

import json
from html import escape

import nibabel
import numpy as np
import pytest
import trimesh
from dicom_files import write_series
from monai.bundle import ConfigWorkflow, ckpt_export
from stand_in import CONFIG, DIRECTIONS, LOCATOR, NETWORK, OBLIQUE

from custom import load_model
from custom.__main__ import export, synthesize
from custom.inputs import InputError
from custom.viewer import installed


@pytest.fixture
def model(weights):
    others = {"locator": LOCATOR, "locator_checkpoint": str(weights.with_name("locator.pt"))}
    others |= {"directions": DIRECTIONS, "directions_checkpoint": str(weights.with_name("directions.pt"))}
    return load_model(network_def=NETWORK, checkpoint=str(weights), device="cpu", subdivision=0, **others)


def test_a_file_gives_what_the_command_writes(model, workflow, volume, write_nifti, tmp_path):
    image = write_nifti(tmp_path / "ct.nii.gz", volume)
    workflow(input=str(image)).run()
    written = json.loads((tmp_path / "ct_report.json").read_text())
    found = model.predict(image, space="LPS")
    assert list(found.meshes) == ["LA", "LV"]
    for name, mesh in found.meshes.items():
        file = trimesh.load_mesh(tmp_path / f"ct_{name}.stl")
        assert mesh.is_watertight and mesh.volume > 0
        np.testing.assert_allclose(mesh.volume, file.volume, rtol=1e-5)
        np.testing.assert_allclose(mesh.bounds, file.bounds, rtol=0, atol=1e-3)
    labels = nibabel.load(tmp_path / "ct_labels.nii.gz")
    np.testing.assert_array_equal(found.label_map, labels.dataobj)
    np.testing.assert_allclose(found.affine, labels.affine, atol=1e-4)
    for report in (found.report, written):
        report.pop("seconds"), report.pop("peak_memory_mib"), report.pop("files", None)
    assert found.report == written
    assert found.measurements == written["measurements"] and found.landmarks.keys() == written["landmarks"].keys()
    for name, mesh in found.meshes.items():
        assert found.regions[name].shape == (len(mesh.vertices),)


def test_an_array_with_its_affine_is_the_same_as_its_file(model, volume, write_nifti, tmp_path):
    image = write_nifti(tmp_path / "ct.nii.gz", volume)
    of_file, of_array = model.predict(str(image)), model.predict(volume, OBLIQUE)
    for name, mesh in of_file.meshes.items():
        np.testing.assert_allclose(of_array.meshes[name].vertices, mesh.vertices, rtol=0, atol=1e-3)
    np.testing.assert_array_equal(of_array.label_map, of_file.label_map)


def test_meshes_are_in_ras_unless_lps_is_asked_for(model, volume):
    ras, lps = (model.predict(volume, OBLIQUE, **space).meshes["LV"] for space in ({}, {"space": "LPS"}))
    np.testing.assert_allclose(ras.vertices * (-1, -1, 1), lps.vertices)
    centre = np.linalg.inv(OBLIQUE) @ [*ras.centroid, 1]
    assert (centre[:3] > 0).all() and (centre[:3] < volume.shape).all()


def test_it_is_shown_in_a_notebook_as_the_page_that_the_command_writes(model, workflow, volume, write_nifti, tmp_path):
    if not installed():
        pytest.skip("ipyniivue is not installed")
    image = write_nifti(tmp_path / "ct.nii.gz", volume)
    workflow(input=str(image), viewer=True).run()
    page = (tmp_path / "ct_view.html").read_bytes()
    found = model.predict(image, space="LPS")
    assert found.page() == page
    assert escape(page.decode()) in found.show()._repr_html_()


def test_a_dicom_folder(model, volume, tmp_path):
    write_series(tmp_path / "series", volume, origin=(0.0, 0.0, 0.0))
    found = model.predict(tmp_path / "series")
    assert found.report["series"] is not None and found.label_map.shape == volume.shape


def test_what_cannot_be_used_is_refused_by_name(model, volume, write_nifti, tmp_path):
    with pytest.raises(ValueError, match="an array needs its affine"):
        model.predict(volume)
    with pytest.raises(ValueError, match="space must be one of RAS, LPS"):
        model.predict(volume, OBLIQUE, space="scanner")
    with pytest.raises(InputError, match="no such file") as refused:
        model.predict(tmp_path / "absent.nii.gz")
    with pytest.raises(InputError, match="not Hounsfield units") as refused:
        model.predict(np.clip(volume, 0, 255), OBLIQUE)
    assert refused.value.outcome == "grey_levels"
    for name in "ab":
        write_nifti(tmp_path / "batch" / f"{name}.nii.gz", volume)
    with pytest.raises(InputError, match="takes one case, here are 2"):
        model.predict(tmp_path / "batch")


@pytest.mark.long
@pytest.mark.slow
def test_inference_by_files_of_the_network_gives_the_same_surfaces(tmp_path):
    """The shipped network, exported by MONAI's own command to TorchScript and by this package's to ONNX."""
    bundle = CONFIG.parents[1]
    ckpt_export(
        net_id="network_def",
        filepath=str(tmp_path / "model.ts"),
        ckpt_file=str(bundle / "models" / "model.pt"),
        meta_file=str(CONFIG.with_name("metadata.json")),
        config_file=str(CONFIG),
    )
    export(str(tmp_path / "model.onnx"))
    synthesize(str(tmp_path / "patients"), first_seed=1, count=1, shape=(56, 56, 56), spacing=(3.0, 3.0, 3.0))
    (image,) = (tmp_path / "patients" / "images").iterdir()
    overlays = {"ts": "inference_torchscript.json", "onnx": "inference_exported.json"}
    for kind in ("eager", *overlays):  # not subdivided: that would multiply the rounding in which they differ
        made = ConfigWorkflow(
            config_file=[str(CONFIG), *(str(CONFIG.with_name(overlays[kind])) for _ in range(kind in overlays))],
            workflow_type="inference", run_id="inference", logging_file=False, bundle_root=str(bundle), device="cpu",
            input=str(image), test_time_augmentation=[], subdivision=0, amp=False, output_dir=str(tmp_path / kind),
            **({"checkpoint": str(tmp_path / f"model.{kind}")} if kind in overlays else {}),
        )  # fmt: skip
        made.initialize()
        made.run()
    name = image.name.removesuffix(".nii.gz")
    for chamber in ("LA", "LV"):
        eager, *others = (
            trimesh.load_mesh(tmp_path / kind / f"{name}_{chamber}.stl", process=False) for kind in ("eager", *overlays)
        )
        for other in others:
            np.testing.assert_array_equal(other.faces, eager.faces)
            np.testing.assert_allclose(other.vertices, eager.vertices, rtol=0, atol=1e-3)  # mm
