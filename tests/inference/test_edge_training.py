"""The training of the edge network by its config, on surfaces that inference makes with stand-in networks."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow
from stand_in import CONFIG, OBLIQUE


@pytest.mark.slow
def test_it_trains_on_labelled_scans(workflow, weights, tmp_path):
    images, labels = tmp_path / "images", tmp_path / "labels"
    images.mkdir()
    labels.mkdir()
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, size) for size in (64, 60, 48)), indexing="ij"))
    volume = np.where((grid**2).sum(axis=0) < 0.8, 100 + 200 * grid[0], -1000).astype(np.int16)
    for name in ("one", "two"):
        nibabel.save(nibabel.Nifti1Image(volume, OBLIQUE), images / f"{name}.nii.gz")
    keys = {"volume_size": 64, "test_time_augmentation": []}
    made = workflow(input=str(images), output_dir=str(tmp_path / "out"), edge_snapping=0, **keys)
    made.run()
    for name in ("one", "two"):
        (tmp_path / "out" / f"{name}_labels.nii.gz").rename(labels / f"{name}.nii.gz")
    overrides = {key: made.parser[key] for key in ("network_def", "checkpoint", "bundle_root", "subdivision")}
    overrides |= {key: made.parser[key] for key in ("locator", "locator_checkpoint")}
    overrides |= {key: made.parser[key] for key in ("directions", "directions_checkpoint")}
    training = ConfigWorkflow(
        config_file=[str(CONFIG), str(CONFIG.with_name("train_edges.json"))],
        workflow_type="train",
        run_id="training",
        logging_file=False,
        **{**overrides, **keys},
        structures=["LA", "LV"],
        dataset_dir=str(tmp_path),
        output_dir=str(tmp_path / "run"),
        validation_count=1,
        max_steps=5,
        examples=50,
    )
    training.initialize()
    training.run()
    training.finalize()
    state = torch.load(tmp_path / "run" / "edges.pt", weights_only=True)
    shipped = torch.load(CONFIG.parents[1] / "models" / "edges.pt", weights_only=True)
    assert {name: value.shape for name, value in state.items()} == {k: v.shape for k, v in shipped.items()}
    assert not torch.equal(state["layers.0.weight"], shipped["layers.0.weight"])
