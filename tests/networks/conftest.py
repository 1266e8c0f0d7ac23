import copy
import json
from pathlib import Path

import pytest

CONFIGS = Path(__file__).parents[2] / "bundle" / "configs"


def configuration(name: str, structures: int) -> dict:
    """The arguments of a named configuration, from the config that trains it."""
    config = json.loads((CONFIGS / "train.json").read_text())
    arguments = copy.deepcopy(config["network_configurations"][name])
    del arguments["_target_"]
    steps = {"flow_steps": config["flow_steps"]} if "flow_steps" in arguments else {}
    return arguments | {"structures": structures, "amp": False} | steps


@pytest.fixture
def default_arguments():
    return configuration("default", 2)


@pytest.fixture
def paper_arguments():
    return configuration("paper", 1)
