"""What the networks learn from: soft occupancy of signed distances, smoothness, segmentation; distance fields."""

from .distance_loss import DistanceLoss
from .represented_occupancy import RepresentedOccupancy
from .shape_loss import ShapeLoss

__all__ = ["DistanceLoss", "RepresentedOccupancy", "ShapeLoss"]
