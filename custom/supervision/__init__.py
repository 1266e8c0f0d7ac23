"""What the shape network learns from: soft occupancy of exact distances, smoothness, segmentation."""

from .shape_loss import ShapeLoss

__all__ = ["ShapeLoss"]
