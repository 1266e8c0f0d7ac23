"""From two surfaces to what a reader asks of them: landmarks, regions, measurements."""

from .finding import Anatomy, find_anatomy
from .following import follow_anatomy

__all__ = ["Anatomy", "find_anatomy", "follow_anatomy"]
