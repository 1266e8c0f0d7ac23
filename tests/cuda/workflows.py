"""The bundle's workflows in this process, small, on the device that their configs choose."""

from __future__ import annotations

from pathlib import Path

from monai.bundle import ConfigWorkflow
from small_training import SMALL_TRAINING
from stand_in import ROOT

CONFIGS = ROOT / "bundle" / "configs"
PLAIN = {"test_time_augmentation": [], "subdivision": 0}
"""Inference in one pass, without the finest surfaces."""


def run_configs(*configs: str, kind: str, prepare=lambda workflow: None, **keys) -> None:
    """Runs some of the bundle's configs, on the device that they choose; `prepare` is shown the workflow before."""
    workflow = ConfigWorkflow(
        config_file=[str(CONFIGS / f"{name}.json") for name in configs],
        workflow_type=kind,
        run_id={"train": "training", "eval": "evaluation", "infer": "inference"}[kind],
        logging_file=False,
        **{"bundle_root": str(CONFIGS.parent), **keys},
    )
    workflow.initialize()
    prepare(workflow)
    workflow.run()
    workflow.finalize()


SMALL_HEARTS = {
    **SMALL_TRAINING,
    "amp": False,
    "generated_count": 2,
    "segmentation_epochs": 0,
    "warmup_steps": 0,
    "supervisions#exact#points": 200,
}
"""Keys of train.json. Few sample points, whose distances to all triangles a GPU forms; float32, for the kernels of a
pretended device, the CPU's, have wrong gradients in bfloat16 where a level has 2 voxels a side, as in crops of 32."""


class Training:
    """Trains by some of the bundle's configs, with validation, in `folder`; `prepare` is shown the trainer before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *configs: str, prepare=lambda trainer: None, **overrides) -> Path:
        small = {"volume_size": 32, "epochs": 2, "steps_per_epoch": 2, "max_steps": 2, "num_workers": 0}
        small |= {"validation_count": 1, "val_interval": 1, "output_dir": str(self.folder)}
        keys = small | overrides
        run_configs(*configs, kind="train", prepare=lambda made: prepare(made.trainer), **keys)
        return Path(keys["output_dir"])
