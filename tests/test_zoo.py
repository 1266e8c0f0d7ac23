"""What the model zoo's unit tests do: each workflow has the zoo's properties, and starts, runs and ends.

`check_workflow` of the zoo's CI is `check_properties`, `initialize`, `run` and `finalize` in this order.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow
from small_training import SMALL_TRAINING

ROOT = Path(__file__).parents[1]
BUNDLE = ROOT / "bundle"
CPU = {"device": "$torch.device('cpu')", "bundle_root": str(BUNDLE)}
ONE_STEP = {
    **SMALL_TRAINING,
    "epochs": 1,
    "steps_per_epoch": 1,
    "generated_count": 2,
    "validation_count": 1,
    "val_interval": 1,
}


def workflow(name: str, kind: str, **overrides) -> ConfigWorkflow:
    return ConfigWorkflow(
        config_file=str(BUNDLE / "configs" / f"{name}.json"),
        meta_file=str(BUNDLE / "configs" / "metadata.json"),
        logging_file=str(BUNDLE / "configs" / "logging.conf"),
        workflow_type=kind,
        **CPU,
        **overrides,
    )


@pytest.mark.slow
def test_inference(tmp_path):
    """On noise, in which no heart is found: `force` goes on."""
    noise = np.random.default_rng(0).integers(-1000, 1000, (48, 48, 48)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(noise, np.diag([2.0, 2.0, 2.0, 1.0])), tmp_path / "noise.nii.gz")
    made = workflow("inference", "inference", dataset_dir=str(tmp_path), test_time_augmentation=[], force=True)
    made.initialize()
    assert made.check_properties() == []
    made.run()
    made.finalize()
    assert {f"noise_{chamber}.stl" for chamber in ("LA", "LV")} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.slow
def test_training(tmp_path):
    made = workflow("train", "train", output_dir=str(tmp_path), **ONE_STEP)
    made.initialize()
    assert made.check_properties() == []
    made.run()
    made.finalize()
    assert made.max_epochs == 1 and len(made.train_dataset) == 1
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["trainer"]["iteration"] == 1


@pytest.mark.slow
def test_evaluation(tmp_path):
    """On noise, in which no heart is found: `force` goes on, and its surfaces are measured against any label."""
    grid = np.diag([2.0, 2.0, 2.0, 1.0])
    noise = np.random.default_rng(0).integers(-1000, 1000, (48, 48, 48)).astype(np.int16)
    label = np.zeros(noise.shape, np.uint8)
    label[10:20], label[30:40] = 1, 2
    nibabel.save(nibabel.Nifti1Image(noise, grid), tmp_path / "noise_image.nii.gz")
    nibabel.save(nibabel.Nifti1Image(label, grid), tmp_path / "noise_label.nii.gz")
    made = ConfigWorkflow(
        config_file=[str(BUNDLE / "configs" / f"{name}.json") for name in ("inference", "evaluate")],
        meta_file=str(BUNDLE / "configs" / "metadata.json"),
        logging_file=str(BUNDLE / "configs" / "logging.conf"),
        workflow_type="eval",
        **CPU,
        dataset_dir=str(tmp_path),
        output_dir=str(tmp_path / "out"),
        test_time_augmentation=[],
        force=True,
    )
    made.initialize()
    assert made.check_properties() == []
    made.run()
    made.finalize()
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["measured"] == 1


CHECKS = """
import sys
from monai.bundle import ckpt_export, verify_metadata, verify_net_in_out

root, schema = sys.argv[1:]
sys.path.insert(0, root)
meta, config = f"{root}/configs/metadata.json", f"{root}/configs/inference.json"
verify_metadata(meta_file=meta, filepath=schema)
verify_net_in_out(net_id="network_def", meta_file=meta, config_file=config, bundle_root=root)
exported, weights = f"{root}/models/verify_model.ts", f"{root}/models/model.pt"
ckpt_export(
    net_id="network_def", filepath=exported, ckpt_file=weights, meta_file=meta, config_file=config, bundle_root=root
)
"""


@pytest.mark.long
def test_the_zoo_s_checks_of_the_archive_as_the_hub_serves_it(tmp_path):
    """What its CI asks of a bundle in `models/`: files, version, metadata, shapes and TorchScript, from outside."""
    command = [sys.executable, str(ROOT / "tools" / "hub.py"), str(tmp_path / "models")]
    made = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""})
    root = Path(made.stdout.strip())
    for name in ("README.md", "LICENSE", "configs/metadata.json", "configs/inference.json", "models/model.pt"):
        assert (root / name).is_file()
    assert not list(root.glob("large_files*")) and all(
        path.stat().st_size < 25 * 10**6 for path in root.rglob("*") if path.is_file()
    )
    metadata = json.loads((root / "configs" / "metadata.json").read_text())
    assert metadata["version"] in metadata["changelog"]
    schema = tmp_path / "schema.json"
    shutil.copy(ROOT / "tests" / "schema" / "meta_schema_20240725.json", schema)
    call = [sys.executable, "-P", "-c", CHECKS, str(root), str(schema)]
    done = subprocess.run(
        call, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": "", "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert torch.jit.load(root / "models" / "verify_model.ts") is not None
