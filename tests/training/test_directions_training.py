import subprocess
from pathlib import Path

import pytest
import torch
import warm_python
from monai.bundle import ConfigParser

from custom.networks.directions import FLIPS

ROOT = Path(__file__).parents[2]
CONFIG = "bundle/configs/train_directions.json"
SMALL = {"volume_size": 16, "spacing": 15.0, "painted_shape": [24, 22, 24], "painted_spacing": 16.0}
SMALL |= {"smallest_field": 10, "largest_tight_field": 15, "channels": [4, 4]}


@pytest.mark.slow
def test_the_network_trains_and_resumes(tmp_path):
    def train(*overrides: str) -> None:
        command = [warm_python.executable(), "-m", "monai.bundle", "run", "training", "--config_file", CONFIG]
        keys = {**SMALL, "steps_per_epoch": 2, "batch_size": 2, "val_interval": 1, "generated_count": 3}
        keys |= {"validation_count": 1, "num_workers": 0, "output_dir": str(tmp_path), "device": "cpu"}
        smoke = [word for key, value in keys.items() for word in (f"--{key}", str(value))]
        subprocess.run([*command, *smoke, *overrides], cwd=ROOT, capture_output=True, text=True, check=True)

    train("--epochs", "1")
    weights = torch.load(tmp_path / "model.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in weights.values())  # a plain state dict
    train("--epochs", "2", "--resume", str(tmp_path / "checkpoint.pt"))
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["trainer"]["iteration"] == 4


def test_draws_are_upright_boxes_of_any_field_of_view():
    parser = ConfigParser()
    parser.read_config(str(ROOT / CONFIG))
    parser.update(SMALL)
    paint, *others = parser.get_parsed_content("train#preprocessing").set_random_state(seed=0).transforms
    painted, fields = paint({"seed": 1}), []
    for _ in range(12):
        record = dict(painted)
        for transform in others:
            record = transform(record)
        image = record["image"]
        assert image.shape == (1, 16, 16, 16) and -1 <= image.min() and image.max() <= 1
        assert FLIPS[int(record["label"])] == ()
        fields.append(float((image > -1).float().mean()))
    assert min(fields) < 0.3 < 0.5 < max(fields)
