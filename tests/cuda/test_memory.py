"""Where the GPU's memory does not suffice: one sentence, and the cases that fit are done."""

from __future__ import annotations

import json
from subprocess import CompletedProcess

import pytest
import torch
from stand_in import Ellipsoids
from workflows import PLAIN, SMALL_HEARTS, run_configs

from custom import load_model
from custom.inputs import InputError

SENTENCE = "the GPU's memory does not suffice: end other programs that use it, set `device` to cpu"
FOR_THE_NETWORK, FOR_A_STEP = 8, 48
"""MiB: too little to load the network, and enough for that but not for what it does."""


def assert_ends_in_a_sentence(ran: CompletedProcess[str]) -> None:
    assert ran.returncode == 1
    assert SENTENCE in ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr and "OutOfMemoryError" not in ran.stdout + ran.stderr


def test_a_case_that_does_not_fit_costs_only_itself(patients, tmp_path):
    torch.save(Ellipsoids().state_dict(), tmp_path / "model.pt")
    keys = {"network_def": {"_target_": "hungry.HungryOnce"}, "checkpoint": str(tmp_path / "model.pt"), **PLAIN}
    before = torch.cuda.memory_allocated()
    with pytest.raises(SystemExit) as ended:
        run_configs("inference", kind="infer", input=str(patients / "images"), output_dir=str(tmp_path), **keys)
    assert ended.value.code == 1
    first, second = (json.loads(path.read_text()) for path in sorted(tmp_path.glob("*_report.json")))
    assert (first["status"], first["outcome"]) == ("failed", "gpu_memory") and first["reason"].startswith(SENTENCE)
    assert second["status"] == "done"
    assert torch.cuda.memory_allocated() - before < 2**25  # what the first case held is free


def test_a_network_that_does_not_fit_is_refused_in_python(tmp_path):
    torch.save(Ellipsoids().state_dict(), tmp_path / "model.pt")
    with pytest.raises(InputError, match=SENTENCE) as refused:
        load_model(network_def={"_target_": "hungry.HungryToLoad"}, checkpoint=str(tmp_path / "model.pt"))
    assert refused.value.outcome == "gpu_memory"


@pytest.mark.parametrize("memory", [FOR_THE_NETWORK, FOR_A_STEP])
def test_inference_by_the_command(bundle, patients, tmp_path, memory):
    keys = {"input": patients / "images", "output_dir": tmp_path, "test_time_augmentation": []}
    assert_ends_in_a_sentence(bundle("inference", "inference", memory=memory, **keys))
    assert memory == FOR_THE_NETWORK or (tmp_path / "summary.csv").read_text().count("gpu_memory") == 2


@pytest.mark.parametrize("memory", [FOR_THE_NETWORK, FOR_A_STEP])
def test_training_by_the_command(bundle, tmp_path, memory):
    keys = {**SMALL_HEARTS, "volume_size": 64, "validation_count": 1, "max_steps": 1, "output_dir": tmp_path}
    assert_ends_in_a_sentence(bundle("training", "train", memory=memory, **keys))
    assert not (tmp_path / "checkpoint.pt").exists()
