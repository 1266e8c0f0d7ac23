"""Training data: lists of cases, label values, augmentation, numbered draws, deformed templates."""

from .augmentation import RandWarpCropd
from .blank import RandBlankd
from .caching import KeepAffined, make_private
from .cases import list_cases
from .deformed_templates import DeformedTemplates
from .draws import NumberedDraws, StepBatches
from .labels import MapLabelsd

__all__ = [
    "DeformedTemplates",
    "KeepAffined",
    "MapLabelsd",
    "NumberedDraws",
    "RandBlankd",
    "RandWarpCropd",
    "StepBatches",
    "list_cases",
    "make_private",
]
