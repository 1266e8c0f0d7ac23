"""The networks: shape network f and its parts."""

from .shape_network import ShapeNetwork

__all__ = ["ShapeNetwork"]
