"""The networks: shape network f, representation network g, and their parts."""

from .representation_network import RepresentationNetwork
from .shape_network import ShapeNetwork

__all__ = ["RepresentationNetwork", "ShapeNetwork"]
