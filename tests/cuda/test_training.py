"""Every training of the bundle on the device: steps, a validation, a checkpoint that goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from monai.data import MetaTensor
from workflows import CONFIGS, SMALL_HEARTS

SMALL_LOCATOR = {
    "painted_shape": [40, 32, 40], "spacing": 10.0, "smallest_field": 12, "largest_tight_field": 20,
    "batch_size": 1, "generated_count": 3,
}  # fmt: skip
SMALL_UNET = {
    "encoder_channels": [8, 16, 32], "decoder_channels": [8, 16], "first_stride": 1, "channels_per_group": 4,
    "dropout": 0.0,
}  # fmt: skip
TRAININGS = {
    "train": (["train"], SMALL_HEARTS),
    "locator": (["train_locator"], SMALL_LOCATOR),
    "unet": (["train", "baselines/unet"], {**SMALL_HEARTS, "network_def#unet": SMALL_UNET}),
    "occupancy": (
        ["train", "baselines/occupancy"],
        {**SMALL_HEARTS, "network_def#unet": SMALL_UNET, "network_def#levels": [1]},
    ),
    "mesh_deform_net": (["train", "baselines/mesh_deform_net"], {**SMALL_HEARTS, "loss#points": 200}),
    "voxel2mesh": (["train", "baselines/voxel2mesh"], {**SMALL_HEARTS, "loss#points": 200}),
}


@pytest.fixture(autouse=True)
def no_step_is_skipped(caplog):
    yield
    assert "its gradient is not finite" not in caplog.text


def load(file: Path) -> dict:
    return torch.load(file, map_location="cpu", weights_only=True)


def assert_trained(folder: Path, steps: int) -> None:
    state = load(folder / "checkpoint.pt")
    assert state["trainer"]["iteration"] == steps
    assert state["best"]["_saved"][0][0] >= 0  # Dice of a validation
    assert all(value.isfinite().all() for value in load(folder / "model.pt").values())
    assert list(folder.glob("events.out.tfevents*"))


@pytest.mark.parametrize("name", TRAININGS)
def test_trains_validates_and_goes_on(name, train):
    configs, keys = TRAININGS[name]
    assert_trained(train(*configs, **keys, max_steps=1), steps=1)
    folder = train(*configs, **keys, resume=str(train.folder / "checkpoint.pt"))
    assert_trained(folder, steps=2)


def test_the_papers_training_through_a_pretrained_g(train):
    g = train("pretrain", output_dir=str(train.folder / "g"))
    assert_trained(g, steps=2)
    keys = {**SMALL_HEARTS, "batch_size": 1, "representation_weights": str(g / "model.pt")}
    assert_trained(train("train", "paper_train", **keys), steps=2)
    train("train", "paper_train", **keys, max_steps=3, resume=str(train.folder / "checkpoint.pt"))
    assert load(train.folder / "checkpoint.pt")["trainer"]["iteration"] == 3


def test_on_files_from_the_shipped_weights_in_bfloat16_with_plain_tensors(train, patients):
    def prepare(trainer):
        own = trainer.prepare_batch

        def batch(*arguments, **keywords):
            image, label = own(*arguments, **keywords)
            assert image.is_cuda and label.is_cuda
            assert not isinstance(image, MetaTensor) and not isinstance(label, MetaTensor)
            return image, label

        trainer.prepare_batch = batch

    weights = str(CONFIGS.parent / "models" / "model.pt")
    keys = {"dataset_dir": str(patients), "initial_weights": weights, "segmentation_epochs": 0}
    keys |= {"volume_size": 96, "supervisions#exact#points": 200, "max_steps": 1}
    assert_trained(train("train", prepare=prepare, **keys), steps=1)
