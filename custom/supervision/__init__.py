"""What the networks learn from: soft occupancy of signed distances, smoothness, segmentation; distance fields."""

from .distance_loss import DistanceLoss
from .representation_supervision import RepresentationSupervision, check_representation
from .shape_loss import ShapeLoss
from .shape_training import ShapeTraining
from .supervision import ExactSupervision, Supervision
from .training_module import TrainingModule

__all__ = [
    "DistanceLoss",
    "ExactSupervision",
    "RepresentationSupervision",
    "ShapeLoss",
    "ShapeTraining",
    "Supervision",
    "TrainingModule",
    "check_representation",
]
