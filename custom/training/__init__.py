"""Training and validation engines' parts."""

from .distance_error import DistanceError
from .handlers import run_training
from .trainer import ShapeTrainer, StagesAndSegmentation
from .validation import VoxeliseMeshesd

__all__ = ["DistanceError", "ShapeTrainer", "StagesAndSegmentation", "VoxeliseMeshesd", "run_training"]
