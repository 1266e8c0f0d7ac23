"""Training and validation engines' parts."""

from .distance_error import DistanceError
from .freezing import freeze
from .handlers import run_training
from .pictures import TensorBoardPictures, draw_chambers, draw_fields
from .trainer import ModuleTrainer
from .validation import VoxeliseMeshesd

__all__ = [
    "DistanceError",
    "ModuleTrainer",
    "TensorBoardPictures",
    "VoxeliseMeshesd",
    "draw_chambers",
    "draw_fields",
    "freeze",
    "run_training",
]
