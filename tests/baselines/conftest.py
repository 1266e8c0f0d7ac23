"""The baselines' networks with the arguments of their configs, and one image whose chambers are bright balls."""

import copy
import json
from pathlib import Path

import pytest
import torch

from custom.sampling import level_coordinates

SYSTEMS = Path(__file__).parents[2] / "bundle" / "configs" / "systems"


@pytest.fixture
def build():
    """Function of a system's name, its network's class and overrides: the network of the config, in float32."""

    def make(name, kind, **overrides):
        arguments = copy.deepcopy(json.loads((SYSTEMS / f"{name}.json").read_text())["network_def"])
        del arguments["_target_"]
        torch.manual_seed(0)
        return kind(**arguments | {"amp": False} | overrides)

    return make


@pytest.fixture
def balls():
    """Image (1, 1, 32, 32, 32) and its label, two balls of the classes 1 and 2."""
    points = level_coordinates(torch.zeros(1, 1, 32, 32, 32), 1)
    label = torch.zeros(len(points))
    for number, centre in ((1, (-0.35, 0.0, 0.1)), (2, (0.4, 0.1, -0.1))):
        label[(points - torch.tensor(centre)).norm(dim=1) < 0.35] = number
    label = label.view(1, 1, 32, 32, 32)
    return label / 2 - 0.5, label
