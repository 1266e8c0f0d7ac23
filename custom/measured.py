"""What a reader is told of structures and measurements: in DICOM SR, and on the page."""

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


class Value(NamedTuple):
    """A measurement of a case, of `custom.terms.MEASUREMENTS`."""

    value: float | None
    """None where there is no number to be given."""
    unit: str
    """Of UCUM: "mm", "cm2", "mL", "g", "%", or "1" of a ratio."""
    trust: str
    """"ok", "check" or "do not use"."""
    reason: str | None
    """What is doubtful, or why there is no number."""
