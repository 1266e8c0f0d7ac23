"""Two processes train like one with both their shares: through the real command, on the CPU by gloo."""

import subprocess
from pathlib import Path

import pytest
import torch
import warm_python
from small_training import SMALL_TRAINING

from custom.data.sample_stream import stream_seed
from custom.training import handlers

ROOT = Path(__file__).parents[2]
DESCENT = {
    "optimizer#_target_": "torch.optim.SGD",
    "learning_rate": 1,
    "weight_decay": 0,
    "supervisions#representation#optimizer#_target_": "torch.optim.SGD",
    "representation_learning_rate": 0.1,  # the rounding of meshes alone moves gradients of g by 2e-4
}
"""After one step the weights are the initial ones less the gradient."""
ONE_STEP = {
    **SMALL_TRAINING,
    "device": "$torch.device('cpu')",
    "amp": False,
    "max_steps": 1,
    "segmentation_epochs": 0,
    "warmup_steps": 0,
    "gradient_norm": 1e9,
    "generated_count": 4,
    "validation_count": 2,
    "representation_def#dropout": 0,
}


def first_step(folder, launcher, configs, **overrides):
    """Weights of f, and of g where it is there, after one step by the command."""
    files = ",".join(f"'bundle/configs/{name}.json'" for name in configs)
    command = [*launcher, "-m", "monai.bundle", "run", "training", "--config_file", f"[{files}]"]
    for key, value in {**DESCENT, **ONE_STEP, "output_dir": folder, **overrides}.items():
        command += [f"--{key}", str(value)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return weights(folder)


def weights(folder):
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    return state["network"] | {f"g.{name}": value for name, value in state["supervision"].get("network", {}).items()}


def torchrun(processes):
    return [warm_python.executable(), "-m", "torch.distributed.run", "--nproc_per_node", str(processes)]


def assert_equal(found, expected):
    for name, value in expected.items():
        torch.testing.assert_close(
            found[name], value, rtol=1e-4, atol=5e-5, msg=lambda text, name=name: f"{name}: {text}"
        )


@pytest.mark.slow
def test_two_processes_have_the_gradients_of_one_with_twice_the_batch(tmp_path, representation):
    python = [warm_python.executable()]
    one = first_step(tmp_path / "one", python, ["train"], **representation, batch_size=2)
    two = first_step(tmp_path / "two", torchrun(2), ["train", "multi_gpu_train"], **representation, batch_size=1)
    half = first_step(tmp_path / "half", python, ["train"], **representation, batch_size=1)
    assert_equal(two, one)
    for part in ("unet.", "stages.", "g."):  # and this could have failed: one process's own gradients are others
        assert any((half[name] - one[name]).abs().max() > 1e-3 for name in one if name.startswith(part)), part


@pytest.mark.slow
def test_with_exact_distances_they_have_the_mean_of_the_gradients_of_each_alone(tmp_path, train, monkeypatch):
    """Each process draws sample points of its own, so the other one's case, in a larger batch, would get others."""
    two = first_step(tmp_path / "two", torchrun(2), ["train", "multi_gpu_train"], batch_size=1)
    alone = []
    for rank in (0, 1):
        monkeypatch.setattr(handlers, "stream_seed", lambda *numbers, rank=rank: stream_seed(*numbers[:-1], rank))
        train("train", tmp_path / str(rank), **DESCENT, **ONE_STEP, batch_size=1, rank=rank, ranks=2)
        alone.append(weights(tmp_path / str(rank)))
    assert_equal(
        two, {name: (alone[0][name] + alone[1][name]) / 2 for name in two if alone[0][name].is_floating_point()}
    )
    for part in ("unet.", "stages."):  # and this could have failed: their gradients differ
        assert any((alone[0][name] - alone[1][name]).abs().max() > 1e-3 for name in two if name.startswith(part)), part
