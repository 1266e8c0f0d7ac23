"""From a CT to surfaces on the device, with the shipped weights: as on the CPU, whatever goes in and comes out."""

from __future__ import annotations

import json
from pathlib import Path

import pydicom
import pytest
import torch
from workflows import PLAIN, run_configs

from custom import load_model
from custom.evaluation.records import read_metrics

NAME = "patient_005000"


def infer(input: Path, output: Path, *configs: str, **keys) -> dict:
    keys = {**PLAIN, **keys}
    run_configs("inference", *configs, kind="infer", input=str(input), output_dir=str(output), **keys)
    (report,) = output.glob("*_report.json")
    return json.loads(report.read_text())


@pytest.fixture(scope="module")
def ct(patients) -> Path:
    return patients / "images" / f"{NAME}.nii.gz"


@pytest.fixture(scope="module")
def volumes(ct) -> dict[str, float]:
    """Of the chambers, as the CPU finds them, mL."""
    meshes = load_model(device="cpu", **PLAIN).predict(ct).meshes
    return {name: mesh.volume / 1e3 for name, mesh in meshes.items()}


def assert_close(report: dict, volumes: dict[str, float], share: float) -> None:
    assert report["status"] == "done" and report["device"] == "cuda:0"
    for name, volume in volumes.items():
        assert report["structures"][name]["volume_ml"] == pytest.approx(volume, rel=share)


@pytest.mark.parametrize(("amp", "share"), [(False, 0.01), (True, 0.05)])
def test_nifti(ct, volumes, tmp_path, amp, share):
    report = infer(ct, tmp_path, amp=amp)
    assert_close(report, volumes, share)
    assert report["amp"] is amp
    assert report["peak_memory_mib"] > 10
    assert {path.suffix for path in tmp_path.glob(f"{NAME}_L*")} == {".stl", ".vtk"}


def test_dicom_in_and_out_with_variations(patients, volumes, tmp_path):
    (series,) = (path for path in (patients / "dicom").rglob("*") if any(path.glob("*.dcm")))
    report = infer(
        series, tmp_path, dicom_output=True, test_time_augmentation=[{"shift": [-3, 3, -5], "contrast": 0.9}]
    )
    assert_close(report, volumes, 0.15)  # another resampling
    assert report["structures"]["LV"]["stability"] > 0.5
    (segmentation,) = tmp_path.glob("*.seg.dcm")
    assert pydicom.dcmread(segmentation).Modality == "SEG"


def test_a_worker_prepares_cases(ct, volumes, tmp_path):
    assert_close(infer(ct, tmp_path, **{"dataloader#num_workers": 1}), volumes, 0.05)


def test_from_python(ct, volumes):
    model = load_model(**PLAIN)
    prediction = model.predict(ct)
    assert next(model.network.parameters()).is_cuda
    assert_close(prediction.report | {"status": "done"}, volumes, 0.05)
    assert prediction.label_map.shape == (48, 48, 48)


def test_torchscript(ct, volumes, tmp_path):
    script = torch.jit.script(load_model(amp=False, **PLAIN).network)
    torch.jit.save(script, tmp_path / "model.ts")
    output = tmp_path / "out"
    assert_close(infer(ct, output, "inference_torchscript", checkpoint=str(tmp_path / "model.ts")), volumes, 0.01)


def test_the_cause_of_an_error_in_torchscript_is_told(ct, tmp_path):
    class TooSmall(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return image.view(3, 5)

        @torch.jit.export
        def stages_and_segmentation(self, image: torch.Tensor) -> list[torch.Tensor]:
            return [self.forward(image)]

    torch.jit.save(torch.jit.script(TooSmall()), tmp_path / "model.ts")
    with pytest.raises(SystemExit, match="^1$"):
        infer(ct, tmp_path, "inference_torchscript", checkpoint=str(tmp_path / "model.ts"))
    report = json.loads((tmp_path / f"{NAME}_report.json").read_text())
    assert report["outcome"] == "error"
    assert report["reason"] == "RuntimeError: shape '[3, 5]' is invalid for input of size 2097152"


def test_evaluation(patients, tmp_path):
    keys = {**PLAIN, "dataset_dir": str(patients), "output_dir": str(tmp_path)}
    run_configs("inference", "evaluate", kind="eval", **keys)
    dice = [row.dice for row in read_metrics(tmp_path / "metrics.json")]
    assert len(dice) == 4 and min(dice) > 0.8
