"""Training and validation engines' parts."""

from .distance_error import DistanceError
from .edge_training import Displacement, run_edge_training, surfaces_of
from .freezing import freeze
from .handlers import run_training
from .pictures import TensorBoardPictures, draw_chambers, draw_fields
from .trainer import ModuleTrainer
from .validation import VoxeliseMeshesd

__all__ = [
    "Displacement",
    "DistanceError",
    "ModuleTrainer",
    "TensorBoardPictures",
    "VoxeliseMeshesd",
    "draw_chambers",
    "draw_fields",
    "freeze",
    "run_edge_training",
    "run_training",
    "surfaces_of",
]
