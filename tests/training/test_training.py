import subprocess
import sys
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

ROOT = Path(__file__).parents[2]


def train(folder, *overrides, check=True):
    command = [sys.executable, "-m", "monai.bundle", "run", "training", "--config_file", "bundle/configs/train.json"]
    smoke = [
        "--volume_size", "32", "--steps_per_epoch", "2", "--segmentation_epochs", "1", "--validation_interval", "1",
        "--num_workers", "0", "--threads", "1", "--output_dir", str(folder),
    ]  # fmt: skip
    return subprocess.run([*command, *smoke, *overrides], cwd=ROOT, capture_output=True, text=True, check=check)


GENERATED = ["--generated_count", "3", "--validation_count", "1"]


@pytest.mark.slow
def test_trains_on_generated_hearts_and_resumes(tmp_path):
    train(tmp_path, *GENERATED, "--epochs", "2")
    weights = torch.load(tmp_path / "model.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in weights.values())  # a plain state dict
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert saved["trainer"]["iteration"] == 4
    assert list(tmp_path.glob("events.out.tfevents*"))
    resumed = train(tmp_path, *GENERATED, "--epochs", "3", "--resume", str(tmp_path / "checkpoint.pt"))
    assert "Epoch [1/3]" not in resumed.stderr
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["trainer"]["iteration"] == 6


@pytest.mark.slow
def test_trains_the_papers_network_on_image_and_label_files(tmp_path):
    data = tmp_path / "data"
    subprocess.run(
        [
            sys.executable, "-m", "custom", "synthesize", str(data), "--first_seed", "1", "--count", "2",
            "--shape", "(64,64,64)", "--spacing", "(3,3,3)",
        ],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    files = ["--dataset_dir", str(data), "--validation_count", "1", "--label_values", "{'1': 1, '2': 2}"]
    paper = ["--network_def", "%network_configurations::paper"]
    train(tmp_path / "run", *files, *paper, "--epochs", "2")
    weights = torch.load(tmp_path / "run" / "model.pt", weights_only=True)
    assert weights["stages.0.entry.conv.lins.0.weight"].shape == (384, 5)  # position and chamber to the paper's width
    refused = train(tmp_path / "again", *files[:4], "--label_values", "{'1': 1}", "--epochs", "1", check=False)
    assert refused.returncode != 0 and "label values [2] are not in label_values" in refused.stderr + refused.stdout


def test_cached_volumes_are_those_of_the_transforms(tmp_path):
    """The same file with other label values, or the same seed on another grid, is another volume."""

    def key(**overrides):
        parser = ConfigParser()
        parser.read_config(str(ROOT / "bundle" / "configs" / "train.json"))
        parser.update({"cache_dir": str(tmp_path), **overrides})
        return parser.get_parsed_content("train_dataset").transform_hash

    data = {"cases": {"training": [{"image": "a", "label": "b"}]}, "dataset_dir": "unread"}
    keys = [
        key(),
        key(**{"generated_volume#0#spacing": [2.0, 2.0, 2.0]}),
        key(**data),
        key(**data, label_values={"1": 2, "2": 1}),
    ]
    assert len(set(keys)) == len(keys)
    assert key() == keys[0] and key(**data) == keys[2]


@pytest.mark.slow
def test_starts_from_given_weights_and_ends_after_max_steps(tmp_path):
    given = ROOT / "bundle" / "models" / "model.pt"
    start = ["--initial_weights", str(given), "--learning_rate", "0", "--segmentation_epochs", "0"]
    train(tmp_path, *GENERATED, *start, "--epochs", "9", "--max_steps", "1")
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert saved["trainer"]["iteration"] == 1
    for name, value in torch.load(given, weights_only=True).items():
        torch.testing.assert_close(saved["network"][name], value.float(), rtol=0, atol=1e-5)
