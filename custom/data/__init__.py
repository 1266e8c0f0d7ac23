"""Training data: lists of cases, label values, augmentation, deformed templates."""

from .augmentation import RandWarpCropd
from .blank import RandBlankd
from .cases import image_label_cases, list_cases
from .deformed_templates import DeformedTemplates
from .labels import MapLabelsd

__all__ = ["DeformedTemplates", "MapLabelsd", "RandBlankd", "RandWarpCropd", "image_label_cases", "list_cases"]
