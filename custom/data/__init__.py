"""Training data: lists of cases, label values, augmentation."""

from .augmentation import RandWarpCropd
from .cases import generated_cases, image_label_cases, split_cases
from .labels import MapLabelsd

__all__ = ["MapLabelsd", "RandWarpCropd", "generated_cases", "image_label_cases", "split_cases"]
