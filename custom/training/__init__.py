"""Training and validation engines' parts."""

from .distance_error import DistanceError
from .handlers import attach_checkpoints, attach_progress_bar, attach_step_limit
from .trainer import ShapeTrainer
from .validation import VoxeliseMeshesd

__all__ = [
    "DistanceError",
    "ShapeTrainer",
    "VoxeliseMeshesd",
    "attach_checkpoints",
    "attach_progress_bar",
    "attach_step_limit",
]
