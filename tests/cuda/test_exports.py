"""A file of the network is written on the CPU, and computes there, though the device does the rest."""

from __future__ import annotations

import json

import pytest
from workflows import PLAIN, run_configs

from custom.__main__ import export

SMALL = {"volume_size": 64, "network_configurations#default#flow_steps": 1}


def test_an_exported_file_gives_what_the_device_gives(patients, tmp_path):
    file = tmp_path / "model.onnx"
    export(str(file), **SMALL)
    volumes = []
    for name, configs, keys in (
        ("eager", ["inference"], SMALL | {"amp": False}),
        ("exported", ["inference", "inference_exported"], SMALL | {"checkpoint": str(file), "device": "cuda:0"}),
    ):
        place = {"input": str(patients / "images" / "patient_005000.nii.gz"), "output_dir": str(tmp_path / name)}
        run_configs(*configs, kind="infer", **PLAIN, **place, **keys)
        report = json.loads((tmp_path / name / "patient_005000_report.json").read_text())
        volumes.append([checks["volume_ml"] for checks in report["structures"].values()])
    assert volumes[1] == pytest.approx(volumes[0], rel=0.01)
