"""Trainings small enough for tests, run by the bundle's own configs in this process."""

import subprocess
from pathlib import Path

import pytest
import torch
import warm_python
from monai.bundle import ConfigParser, ConfigWorkflow
from small_training import SMALL_TRAINING

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "bundle" / "configs"

SMALL = {
    "device": "$torch.device('cpu')",
    "volume_size": 32,
    "epochs": 2,
    "steps_per_epoch": 3,
    "num_workers": 0,
    "val_interval": 100,
}
SMALL_HEARTS = {
    **SMALL_TRAINING,
    "generated_count": 4,
    "validation_count": 1,
    "segmentation_epochs": 0,
    "warmup_steps": 0,
}
SMALL_G = {"representation_def#graph_channels": 16, "representation_def#decoder_channels": [32, 16, 8, 8]}
SMALL_TEMPLATES = {"validation_count": 1}


@pytest.fixture
def train(tmp_path):
    """Function of a config's name, a folder, and overrides that trains; `prepare` is shown the trainer before.

    A `baseline` is one of those in `configs/baselines`.
    """

    def run(name, folder, prepare=lambda trainer: None, baseline=None, **overrides):
        chosen = SMALL | (SMALL_TEMPLATES if name == "pretrain" else SMALL_HEARTS) | overrides
        chosen |= {"output_dir": str(folder), "bundle_root": str(CONFIGS.parent)}
        files = [str(CONFIGS / f"{name}.json")] + (
            [str(CONFIGS / "baselines" / f"{baseline}.json")] if baseline else []
        )
        workflow = ConfigWorkflow(config_file=files, workflow_type="train", logging_file=False, **chosen)
        workflow.initialize()
        prepare(workflow.parser.get_parsed_content("train#trainer"))
        workflow.run()

    return run


@pytest.fixture
def representation(tmp_path):
    """Overrides that train through a small g, whose pretrained weights are stood in for by its initial ones."""
    parser = ConfigParser()
    parser.read_config(str(CONFIGS / "train.json"))
    parser.update({"volume_size": SMALL["volume_size"], **SMALL_G})
    torch.manual_seed(0)
    torch.save(parser.get_parsed_content("representation_def").state_dict(), tmp_path / "g.pt")
    weights = {"representation_weights": str(tmp_path / "g.pt")}
    return {"supervision": "%supervisions::representation", **weights, **SMALL_G}


@pytest.fixture(scope="session")
def patients(tmp_path_factory):
    """Two small patients, as images/ and labels/."""
    folder = tmp_path_factory.mktemp("patients")
    command = [warm_python.executable(), "-m", "custom", "synthesize", str(folder), "--count", "2"]
    command += ["--shape", "(40,40,40)", "--spacing", "(4.2,4.2,4.2)"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder
