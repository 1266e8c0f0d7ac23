"""What a reader is told of a structure: in DICOM SR, and on the page."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Measured(NamedTuple):
    """The result for a structure."""

    volume_ml: float | None
    """None where the surface is not to be used: then there is no number to be given."""
    trust: str
    """"ok", "check" or "do not use"."""
    reasons: str | None
    """A sentence on what is doubtful."""
    phrases: Mapping[str, str] = MappingProxyType({})
    """The parts of this sentence by the names of the reasons, strongest first."""
