"""Two processes train like one with twice the batch: through the real command, on the CPU by gloo."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]


def first_step(folder, launcher, configs, *overrides):
    """Weights of f and g after one step of gradient descent at rate 1: the initial ones less the gradient."""
    files = ",".join(f"'bundle/configs/{name}.json'" for name in configs)
    subprocess.run(
        [
            *launcher, "-m", "monai.bundle", "run", "training", "--config_file", f"[{files}]",
            "--output_dir", str(folder), "--device", "$torch.device('cpu')", "--amp", "False", "--volume_size", "32",
            "--max_steps", "1", "--segmentation_epochs", "0", "--warmup_steps", "0", "--gradient_norm", "1e9",
            "--num_workers", "0", "--generated_count", "4", "--validation_count", "2",
            "--generated_volume#0#shape", "[36,36,36]", "--generated_volume#0#spacing", "[6,6,6]",
            "--optimizer#_target_", "torch.optim.SGD", "--learning_rate", "1", "--weight_decay", "0",
            "--supervisions#representation#optimizer#_target_", "torch.optim.SGD",
            "--representation_learning_rate", "1", "--representation_def#dropout", "0", *overrides,
        ],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    return state["network"] | {f"g.{name}": value for name, value in state["supervision"]["network"].items()}


@pytest.mark.slow
def test_two_processes_have_the_gradients_of_one_with_twice_the_batch(tmp_path, representation):
    shared = [argument for key, value in representation.items() for argument in (f"--{key}", value)]
    python, torchrun = [sys.executable], [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node"]
    one = first_step(tmp_path / "one", python, ["train"], *shared, "--batch_size", "2")
    two = first_step(tmp_path / "two", [*torchrun, "2"], ["train", "multi_gpu_train"], *shared, "--batch_size", "1")
    half = first_step(tmp_path / "half", python, ["train"], *shared, "--batch_size", "1")
    for name, value in one.items():
        torch.testing.assert_close(
            two[name], value, rtol=1e-4, atol=5e-5, msg=lambda text, name=name: f"{name}: {text}"
        )
    for part in ("unet.", "stages.", "g."):  # and this could have failed: one process's own gradients are others
        assert any((half[name] - one[name]).abs().max() > 1e-3 for name in one if name.startswith(part)), part
