"""Training data: lists of cases, label values, augmentation, numbered draws, deformed templates."""

from .augmentation import RandWarpCropd
from .caching import KeepAffined, make_private
from .cases import list_cases
from .deformed_templates import DeformedTemplates
from .empty_images import RandEmptyd
from .labels import MapLabelsd
from .sample_stream import SampleStream, StepBatches

__all__ = [
    "DeformedTemplates",
    "KeepAffined",
    "MapLabelsd",
    "SampleStream",
    "RandEmptyd",
    "RandWarpCropd",
    "StepBatches",
    "list_cases",
    "make_private",
]
