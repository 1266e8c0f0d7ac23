"""The networks: shape network f, representation network g, the locator of the heart, the judge of directions, the
readers of edges and hinges, and their parts."""

from .directions import FLIPS, Directions
from .edge_network import EdgeNetwork
from .exporting import ExportedNetwork, export_network
from .heart_locator import HeartLocator
from .hinge_network import HingeNetwork
from .representation_network import RepresentationNetwork
from .shape_network import ShapeNetwork

__all__ = [
    "FLIPS",
    "Directions",
    "EdgeNetwork",
    "ExportedNetwork",
    "HeartLocator",
    "HingeNetwork",
    "RepresentationNetwork",
    "ShapeNetwork",
    "export_network",
]
