"""From two surfaces to what a reader asks of them: landmarks, regions, measurements."""

from .finding import Anatomy, find_anatomy
from .following import follow_anatomy
from .outlet import blood_beyond

__all__ = ["Anatomy", "blood_beyond", "find_anatomy", "follow_anatomy"]
