"""The baselines' networks, and one image whose chambers are bright balls."""

from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from custom.sampling import level_coordinates

CONFIGS = Path(__file__).parents[2] / "bundle" / "configs"


@pytest.fixture
def build():
    """Function of a baseline's name and overrides of its `network_def`: the network of the config, in float32."""

    def make(name, **overrides):
        parser = ConfigParser()
        parser.read_config([str(CONFIGS / "train.json"), str(CONFIGS / "baselines" / f"{name}.json")])
        parser.update({"amp": False} | {f"network_def#{key}": value for key, value in overrides.items()})
        torch.manual_seed(0)
        return parser.get_parsed_content("network_def")

    return make


@pytest.fixture
def small_unet():
    """Arguments of a U-Net of three levels."""
    return {
        "encoder_channels": [4, 8, 8],
        "decoder_channels": [4, 8],
        "first_stride": 1,
        "channels_per_group": 4,
        "dropout": 0.0,
    }


@pytest.fixture
def spheres():
    """Centres and radii of two spheres, as `SphereInitialization` takes them."""
    return [[0.3, -0.2, 0.2], [-0.3, 0.2, -0.2]], [0.3, 0.4]


@pytest.fixture
def balls():
    """Image (1, 1, 32, 32, 32) and its label, two balls of the classes 1 and 2."""
    points = level_coordinates(torch.zeros(1, 1, 32, 32, 32), 1)
    label = torch.zeros(len(points))
    for number, centre in ((1, (-0.35, 0.0, 0.1)), (2, (0.4, 0.1, -0.1))):
        label[(points - torch.tensor(centre)).norm(dim=1) < 0.35] = number
    label = label.view(1, 1, 32, 32, 32)
    return label / 2 - 0.5, label
