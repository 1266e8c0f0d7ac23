import subprocess
from pathlib import Path

import pytest
import torch
import warm_python
from monai.bundle import ConfigParser

ROOT = Path(__file__).parents[2]
CONFIG = "bundle/configs/train_locator.json"


def train(folder, *overrides):
    command = [warm_python.executable(), "-m", "monai.bundle", "run", "training", "--config_file", CONFIG]
    smoke = [
        "--volume_size", "32", "--painted_shape", "[40,32,40]", "--spacing", "10.0", "--smallest_field", "12",
        "--largest_tight_field", "20", "--steps_per_epoch", "2", "--batch_size", "1", "--val_interval", "1",
        "--generated_count", "3", "--validation_count", "1", "--num_workers", "0", "--output_dir", str(folder),
        "--device", "cpu",
    ]  # fmt: skip
    return subprocess.run([*command, *smoke, *overrides], cwd=ROOT, capture_output=True, text=True, check=True)


@pytest.mark.slow
def test_the_locator_trains_and_resumes(tmp_path):
    train(tmp_path, "--epochs", "1")
    weights = torch.load(tmp_path / "model.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in weights.values())  # a plain state dict
    train(tmp_path, "--epochs", "2", "--resume", str(tmp_path / "checkpoint.pt"))
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["trainer"]["iteration"] == 4
    assert list(tmp_path.glob("events.out.tfevents*"))


def test_fields_of_view_hold_all_some_or_none_of_the_heart():
    """Labels keep to the image: what the field of view leaves out is air, and background."""
    parser = ConfigParser()
    parser.read_config(str(ROOT / CONFIG))
    parser.update({"volume_size": 40, "spacing": 10.0, "painted_shape": [48, 36, 48]})
    parser.update({"smallest_field": 12, "largest_tight_field": 28})
    paint, *others = parser.get_parsed_content("train#preprocessing").set_random_state(seed=0).transforms
    painted = paint({"seed": 1})
    whole = (painted["structures"] > 0).sum()
    seen, fields = [], []
    for _ in range(16):
        record = dict(painted)
        for transform in others:
            record = transform(record)
        image, label = record["image"], record["label"]
        assert image.shape == label.shape == (1, 40, 40, 40)
        assert -1 <= image.min() and image.max() <= 1
        seen.append(int((label > 0).sum()))
        fields.append(float((image > -1).sum() / whole))
    assert min(seen) == 0 and max(seen) > 100
    assert min(fields) < 0.2 and max(fields) > 0.6
