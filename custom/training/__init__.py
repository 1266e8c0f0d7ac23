"""Training and validation engines' parts."""

from .handlers import attach_checkpoints, attach_progress_bar
from .trainer import ShapeTrainer
from .validation import VoxeliseMeshesd

__all__ = ["ShapeTrainer", "VoxeliseMeshesd", "attach_checkpoints", "attach_progress_bar"]
