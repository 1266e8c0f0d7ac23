import copy
import json
from pathlib import Path

import pytest

CONFIGS = Path(__file__).parents[2] / "bundle" / "configs"


def configuration(name: str, structures: int) -> dict:
    """The arguments of a named configuration, from the config that trains it."""
    arguments = copy.deepcopy(json.loads((CONFIGS / "train.json").read_text())["network_configurations"][name])
    del arguments["_target_"]
    return arguments | {"structures": structures, "amp": False}


@pytest.fixture
def default_arguments():
    return configuration("default", 2)


@pytest.fixture
def paper_arguments():
    return configuration("paper", 1)
