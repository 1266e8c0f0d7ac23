"""Training data: lists of cases, label values, augmentation, numbered draws, deformed templates."""

from .augmentation import RandWarpCropd
from .blank import RandBlankd
from .cases import list_cases
from .deformed_templates import DeformedTemplates
from .draws import NumberedDraws, StepBatches
from .labels import MapLabelsd

__all__ = [
    "DeformedTemplates",
    "MapLabelsd",
    "NumberedDraws",
    "RandBlankd",
    "RandWarpCropd",
    "StepBatches",
    "list_cases",
]
