"""Training data: lists of cases, label values, augmentation."""

from .augmentation import RandWarpCropd
from .cases import image_label_cases, list_cases
from .labels import MapLabelsd

__all__ = ["MapLabelsd", "RandWarpCropd", "image_label_cases", "list_cases"]
