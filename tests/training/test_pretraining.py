import subprocess
import sys
from pathlib import Path

import pytest
import torch

from custom.networks import RepresentationNetwork
from custom.training import DistanceError

ROOT = Path(__file__).parents[2]


def pretrain(folder, *overrides):
    command = [sys.executable, "-m", "monai.bundle", "run", "training", "--config_file", "bundle/configs/pretrain.json"]
    smoke = [
        "--volume_size", "32", "--steps_per_epoch", "2", "--validation_interval", "1", "--validation_count", "2",
        "--num_workers", "1", "--output_dir", str(folder),
    ]  # fmt: skip
    return subprocess.run([*command, *smoke, *overrides], cwd=ROOT, capture_output=True, text=True, check=True)


@pytest.mark.slow
def test_pretrains_validates_and_resumes(tmp_path):
    first = pretrain(tmp_path, "--epochs", "1")
    assert "validation_error_voxels" in first.stdout + first.stderr
    g = RepresentationNetwork(32, 128, [128, 64, 32, 16], 0.1, 4, False)
    g.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True), strict=True)
    resumed = pretrain(tmp_path, "--epochs", "2", "--resume", str(tmp_path / "checkpoint.pt"))
    assert "Epoch [1/2]" not in resumed.stderr
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["trainer"]["iteration"] == 4


def test_distance_error_is_in_voxels_near_the_surface():
    voxel = 2 / 10
    exact = torch.zeros(2, 1, 11, 11, 11)
    exact[:, :, 6:] = 5 * voxel  # beyond the band
    off = exact.clone()
    off[0] += 0.5 * voxel
    off[1] += 1.5 * voxel
    off[:, :, 6:] = -100.0
    error = DistanceError(band=3.0)
    error(y_pred=list(off), y=list(exact))
    assert float(error.aggregate()) == pytest.approx(1.0, abs=1e-5)
