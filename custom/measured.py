"""What a reader is told of structures and measurements: in DICOM SR, and on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

TRUSTS = ("ok", "check", "do not use")
"""From best to worst."""


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
    """Of UCUM: "mm", "cm2", "mL", "mL/m2", "g", "%", or "1" of a ratio."""
    trust: str
    """"ok", "check" or "do not use"."""
    reason: str | None
    """What is doubtful, or why there is no number."""


def trust_of(surfaces: Sequence[str], trusts: Mapping[str, str]) -> dict[str, str | None]:
    """`trust` of what is made of some surfaces, the worst of theirs, and as `reason` which; None where it is "ok"."""
    worst = max((trusts[name] for name in surfaces), key=TRUSTS.index)
    doubted = " and ".join(name for name in surfaces if trusts[name] == worst)
    return {"trust": worst, "reason": None if worst == TRUSTS[0] else f"so is the surface of {doubted}"}
