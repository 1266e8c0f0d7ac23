import json
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from custom.networks import RepresentationNetwork
from custom.training import DistanceError

CONFIGS = Path(__file__).parents[2] / "bundle" / "configs"


@pytest.mark.slow
def test_pretrains_and_validates(train, tmp_path):
    train("pretrain", tmp_path, max_steps=2)
    arguments = json.loads((CONFIGS / "train.json").read_text())["representation_def"]
    del arguments["_target_"]
    g = RepresentationNetwork(**arguments | {"size": 32, "amp": False})  # what training expects is what this writes
    g.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True), strict=True)
    events = EventAccumulator(str(tmp_path), size_guidance={"images": 0})
    events.Reload()
    assert "validation" in events.Tags()["images"]
    assert {"validation_dice", "validation_error_voxels"} <= set(events.Tags()["scalars"])


def test_training_and_pretraining_agree_on_g():
    train, pretrain = (json.loads((CONFIGS / f"{name}.json").read_text()) for name in ("train", "pretrain"))
    g = pretrain["network_def"] | {"subdivisions": pretrain["subdivisions"]}
    assert train["representation_def"] == g


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
