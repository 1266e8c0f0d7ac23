import json
from pathlib import Path

import pytest
import torch

from custom.networks import ShapeNetwork
from custom.supervision import ExactSupervision, ShapeLoss, ShapeTraining

CONFIG = Path(__file__).parents[2] / "bundle" / "configs" / "train.json"


class Learner(ExactSupervision):
    """Exact supervision that notes what it could have learnt from."""

    def learn(self, vertices):
        self.seen = vertices
        return {"learnt": vertices.sum()}


@pytest.fixture(scope="module")
def training():
    arguments = json.loads(CONFIG.read_text())["network_configurations"]["default"] | {"structures": 2, "amp": False}
    torch.manual_seed(0)
    network = ShapeNetwork(**{key: value for key, value in arguments.items() if key != "_target_"})
    loss = ShapeLoss((0.05, 0.01), (20.0, 3.0), 0.7, 0.3, 0.3, True, 1.0, 0.03, 1.0, 1.0, Learner(100, 0.06))
    return ShapeTraining(network, loss)


def test_meshes_join_after_the_segmentation(training):
    image = torch.rand(1, 1, 32, 32, 32) * 2 - 1
    label = torch.zeros(1, 1, 32, 32, 32)
    label[..., 8:16, 8:16, 8:16], label[..., 16:24, 8:16, 8:16] = 1, 2
    output = training(image, label, -0.1)
    assert list(output) == ["loss", "dice", "cross_entropy"] and training.after_step() == {}
    output = training(image, label, 0.0)
    assert set(output) == {"loss", "dice", "cross_entropy", "occupancy", "smoothness", "stray"}
    output["loss"].backward()
    assert all(parameter.grad is not None for parameter in training.network.parameters())
    assert set(training.after_step()) == {"learnt"}
    seen = training.loss.supervision.seen
    assert seen.shape == (2, 2562, 3) and not seen.requires_grad
