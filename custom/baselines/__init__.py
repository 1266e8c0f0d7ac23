"""The other systems of the paper's comparison: networks and what they are trained as."""

from .occupancy_network import OccupancyNetwork
from .occupancy_training import OccupancyTraining
from .segmentation_network import SegmentationNetwork
from .segmentation_training import SegmentationTraining

__all__ = ["OccupancyNetwork", "OccupancyTraining", "SegmentationNetwork", "SegmentationTraining"]
