import subprocess
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
import warm_python
from monai.bundle import ConfigParser
from small_training import SMALL_TRAINING

ROOT = Path(__file__).parents[2]

COMMAND = ["-m", "monai.bundle", "run", "training"]
TRAIN = "bundle/configs/train.json"
PAPER = f"['{TRAIN}','bundle/configs/paper_train.json']"


def run(*words, check=True):
    return subprocess.run([warm_python.executable(), *words], cwd=ROOT, capture_output=True, text=True, check=check)


def train(folder, *overrides, configs=TRAIN, check=True):
    smoke = ["--volume_size", "32", "--num_workers", "0", "--output_dir", str(folder)]
    return run(*COMMAND, "--config_file", configs, *smoke, *overrides, check=check)


GENERATED = ["--generated_count", "3", "--validation_count", "1"]
for key, value in SMALL_TRAINING.items():
    GENERATED += [f"--{key}", str(value)]


def synthesize(folder, mm_whs=False):
    """Two small generated patients, as images/ and labels/ or under the names and with the label values of MM-WHS."""
    small = ("--first_seed", "1", "--count", "2", "--shape", "(40,40,40)", "--spacing", "(4.2,4.2,4.2)")
    run("-m", "custom", "synthesize", str(folder), *small)
    if mm_whs:
        values = np.array([0, 420, 500], np.int16)
        for number, path in enumerate(sorted((folder / "images").iterdir())):
            path.rename(folder / f"ct_train_100{number}_image.nii.gz")
            label = nibabel.load(folder / "labels" / path.name)
            data = values[np.asarray(label.dataobj).astype(int)]
            data[0, 0, :2] = 421 - 421 * number, 820  # a stray value in one of them, a structure that is not learnt
            nibabel.save(nibabel.Nifti1Image(data, label.affine), folder / f"ct_train_100{number}_label.nii.gz")
        (folder / "images").rmdir()


@pytest.mark.slow
def test_trains_on_generated_hearts(tmp_path):
    train(tmp_path, *GENERATED, "--segmentation_epochs", "0", "--max_steps", "2")
    weights = torch.load(tmp_path / "model.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in weights.values())  # a plain state dict
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["trainer"]["iteration"] == 2
    assert list(tmp_path.glob("events.out.tfevents*"))


@pytest.mark.slow
def test_trains_seven_structures_on_mm_whs_files(tmp_path):
    small = ("--first_seed", "1", "--count", "2", "--shape", "(40,40,40)", "--spacing", "(4.2,4.2,4.2)")
    run("-m", "custom", "synthesize", str(tmp_path / "data"), *small, "--labels", "mm-whs")
    configs = f"['{TRAIN}','bundle/configs/whole_heart_train.json']"
    keys = ["--dataset_dir", str(tmp_path / "data"), "--validation_count", "1", "--segmentation_epochs", "0"]
    train(tmp_path / "out", *keys, "--max_steps", "1", configs=configs)
    assert len(torch.load(tmp_path / "out" / "model.pt", weights_only=True)["unet.classify.bias"]) == 8


@pytest.mark.slow
def test_trains_the_papers_way_through_a_pretrained_g_on_mm_whs_files(tmp_path):
    pretrain = ["--config_file", "bundle/configs/pretrain.json", "--volume_size", "32", "--max_steps", "2"]
    pretrain += ["--validation_count", "1", "--num_workers", "1", "--output_dir", str(tmp_path / "g")]
    run(*COMMAND, *pretrain)
    synthesize(tmp_path / "data", mm_whs=True)
    values = "{'420': 1, '421': 1, '500': 2, '205': 0, '550': 0, '600': 0, '820': 0, '850': 0}"
    trained = train(
        tmp_path / "f", "--dataset_dir", str(tmp_path / "data"), "--validation_count", "1", "--label_values", values,
        "--representation_weights", str(tmp_path / "g" / "model.pt"), "--max_steps", "2", configs=PAPER,
    )  # fmt: skip
    assert "representation=" in trained.stderr
    weights = torch.load(tmp_path / "f" / "model.pt", weights_only=True)
    assert weights["stages.0.entry.conv.lins.0.weight"].shape == (384, 5)  # position and chamber to the paper's width


@pytest.mark.slow
def test_label_values_that_are_not_listed_are_refused(tmp_path):
    synthesize(tmp_path / "data")
    files = ["--dataset_dir", str(tmp_path / "data"), "--validation_count", "1"]
    refused = train(tmp_path / "run", *files, "--label_values", "{'1': 1}", check=False)
    said = refused.stderr + refused.stdout
    assert refused.returncode == 2 and "cannot be used: label values [2] are not in label_values" in said
    assert "patient_000001.nii.gz" in said or "patient_000002.nii.gz" in said
    assert "Traceback" not in said and str(tmp_path / "data") not in said.split("---")[-1]


def test_cached_volumes_are_those_of_the_transforms(tmp_path):
    """The same file with other label values, or the same seed on another grid, is another volume."""

    def key(**overrides):
        parser = ConfigParser()
        parser.read_config(str(ROOT / "bundle" / "configs" / "train.json"))
        parser.update({"cache_dir": str(tmp_path), **overrides})
        return parser.get_parsed_content("train#dataset").transform_hash

    data = {"cases": {"training": [{"image": "a", "label": "b"}]}, "dataset_dir": "unread"}
    keys = [
        key(),
        key(**{"generated_volume#0#spacing": [2.0, 2.0, 2.0]}),
        key(**data),
        key(**data, label_values={"1": 2, "2": 1}),
    ]
    assert len(set(keys)) == len(keys)
    assert key() == keys[0] and key(**data) == keys[2]


@pytest.mark.slow
def test_starts_from_given_weights_keeps_frozen_ones_and_ends_after_max_steps(tmp_path):
    given = ROOT / "bundle" / "models" / "model.pt"
    start = ["--initial_weights", str(given), "--frozen", "stages", "--segmentation_epochs", "0"]
    train(tmp_path, *GENERATED, *start, "--epochs", "9", "--max_steps", "1")
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert saved["trainer"]["iteration"] == 1
    start = torch.load(given, weights_only=True)
    moved = {name: float((saved["network"][name] - value.float()).abs().max()) for name, value in start.items()}
    frozen = {name for name in moved if name.startswith("stages")}
    assert all(moved[name] == 0 for name in frozen)
    assert 0 < max(moved.values()) < 1e-3  # a step of the warm-up
