"""Two processes by torchrun, each with a device of its own."""

from __future__ import annotations

import json

import pytest
import torch
from workflows import SMALL_HEARTS

pytestmark = pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")


def test_cases_are_spread_over_the_devices(bundle, patients, tmp_path):
    keys = {"input": patients / "images", "output_dir": tmp_path, "volume_size": 64, "test_time_augmentation": []}
    ran = bundle("inference", "inference", torchrun=True, **keys)
    assert ran.returncode == 0, ran.stderr
    reports = [json.loads(path.read_text()) for path in tmp_path.glob("*_report.json")]
    assert {report["device"] for report in reports} == {"cuda:0", "cuda:1"}


def test_training(bundle, tmp_path):
    keys = {**SMALL_HEARTS, "generated_count": 4, "validation_count": 2, "volume_size": 32, "max_steps": 2}
    ran = bundle("training", "train multi_gpu_train", torchrun=True, output_dir=tmp_path, **keys)
    assert ran.returncode == 0 and "skipped: its gradient" not in ran.stderr, ran.stderr
    state = torch.load(tmp_path / "checkpoint.pt", map_location="cpu", weights_only=True)
    assert state["trainer"]["iteration"] == 2 and state["best"]["_saved"]
