"""How far a surface is to be doubted: a fixed rule, without fitted numbers, from what was measured of it.

Each reason for doubt has a quantity that grows with it, a value up to which it gives no doubt, and one that stands for
doubt 1; in between the doubt grows linearly, to `MOST`. They add up as independent reasons do: the whole doubt is
1 - (1 - d1)(1 - d2)..., which never falls when one of them grows, and one full reason suffices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf, prod
from typing import Any, NamedTuple

from ...chambers import CHAMBERS
from ...measured import Measured

CHECK, REJECT = 1 / 3 - 1e-9, 2 / 3 - 1e-9
"""Least doubt with which a surface is to be checked, and with which it is not to be used: a third, two thirds, less
what floating point may lack of them, as 1 - 0.9 does of 0.1."""
MOST = 0.7
"""Of a single reason, so that it alone forbids use, and a surface with two is worse still."""
MUSCLE = 100.0
"""HU that is as bright as muscle and blood are without contrast (30 to 60), or muscle with a little of it."""

Checks = Mapping[str, Any]
"""What was measured of a surface, as bundle/docs/report.md explains it but not rounded; `forced` is a number, and
`largest_ml` is there of a phase of a beat: the chamber's largest volume of all phases."""


class Reason(NamedTuple):
    """A reason for doubt."""

    name: str
    quantity: Callable[[str, Checks], float]
    """Of a chamber's name and checks."""
    none: float
    """Of the quantity: up to here it gives no doubt."""
    full: float
    """The doubt grows towards 1 here, and ends at `MOST`."""
    phrase: str
    """What is said of it, filled from the checks."""
    why: str
    noted: float = 0.0
    """Doubt above which it is mentioned, for reasons that give a little where all is well."""

    def strength(self, chamber: str, checks: Checks) -> float:
        """From 0 to 1: how far the quantity has come from `none` to `full`."""
        return min(max((self.quantity(chamber, checks) - self.none) / (self.full - self.none), 0.0), 1.0)

    def doubt(self, chamber: str, checks: Checks) -> float:
        """Its strength, but no more than `MOST`."""
        return min(self.strength(chamber, checks), MOST)


def _instability(_: str, checks: Checks) -> float:
    return 0.0 if checks["stability"] is None else 1 - checks["stability"]


def _lack_of_contrast(_: str, checks: Checks) -> float:
    """HU that the blood lacks to be as bright as its surroundings, or as `MUSCLE` where they are darker."""
    blood, around = checks["blood_hu"], checks["surroundings_hu"]
    return inf if blood is None else max(MUSCLE, MUSCLE if around is None else around) - blood


def _times_too_large(chamber: str, checks: Checks) -> float:
    """Times that the volume exceeds the population's largest, or falls below its smallest; of a phase of a beat, the
    largest of its phases does: a ventricle that has emptied is small."""
    (smallest, largest), volume = CHAMBERS[chamber].volume_ml, checks["volume_ml"]
    return max(volume / largest, smallest / max(volume, checks.get("largest_ml", 0.0))) if volume > 0 else inf


REASONS = (
    Reason(
        name="disagreement",
        quantity=lambda _, checks: 1 - checks["agreement"],
        none=0.05,
        full=0.35,
        phrase="the network's own segmentation differs (overlap {agreement:.2f}; 1 is perfect)",
        why="surface and segmentation are two readings of one image",
        noted=CHECK / 2,
    ),
    Reason(
        name="instability",
        quantity=_instability,
        none=0.0,
        full=0.2,
        phrase="slight changes of the image move it (overlap {stability:.2f}; 1 is perfect)",
        why="the heart is the same in all slightly varied images",
        noted=CHECK / 2,
    ),
    Reason(
        name="missed",
        quantity=lambda _, checks: checks["missed_ml"],
        none=1.0,
        full=6.0,
        phrase="it leaves out {missed_ml:.1f} mL that the network's own segmentation has",
        why="an appendage has about as much",
    ),
    Reason(
        name="no_contrast",
        quantity=_lack_of_contrast,
        none=-50.0,
        full=-20.0,
        phrase="the blood hardly stands out, as without contrast agent (blood {blood_hu} HU, around it "
        "{surroundings_hu} HU)",
        why="where blood ends is hardly to be seen",
    ),
    Reason(
        name="off_edge",
        quantity=lambda _, checks: checks["edge_mm"] or 0.0,
        none=0.5,
        full=2.5,
        phrase="its walls lie {edge_mm:.1f} mm, on average, from the edges that the scan shows",
        why="where the scan shows the edge of blood, the surface is to lie on it",
        noted=CHECK / 2,
    ),
    Reason(
        name="expected_error",
        quantity=lambda _, checks: 0.0 if checks["expected_dice"] is None else 1 - checks["expected_dice"],
        none=0.0,
        full=0.2,
        phrase="by the errors that are expected of its vertices it overlaps the truth by {expected_dice:.2f} (1 is "
        "perfect)",
        why="a network learnt from generated hearts which signs go with errors",
        noted=CHECK / 2,
    ),
    Reason(
        name="cut_off",
        quantity=lambda _, checks: checks["cut"],
        none=0.0,
        full=0.15,
        phrase="{cut:.1%} of the surface lies at the edge of the field of view, where it may be cut off: the volume is "
        "too small then",
        why="the rest of the chamber was not seen",
        noted=0.05,
    ),
    Reason(
        name="implausible_volume",
        quantity=_times_too_large,
        none=1.0,
        full=1.5,
        phrase="the volume is too {extreme} for almost any patient",
        why="hardly anybody has it",
    ),
    Reason(
        name="directions",
        quantity=lambda _, checks: 1 - checks["upright"],
        none=0.5,
        full=1.0,
        phrase="by the look of the anatomy the header confuses directions ({confused})",
        why="the header confuses right and left, head and feet, or front and back",
    ),
    Reason(
        name="crossing",
        quantity=lambda _, checks: checks["self_intersections"],
        none=0.0,
        full=50.0,
        phrase="the surface crosses itself at {self_intersections} pairs of faces",
        why="the deformation broke down",
    ),
    Reason(
        name="forced",
        quantity=lambda _, checks: checks["forced"],
        none=0.0,
        full=2.0,
        phrase="without `force` the image would have been refused",
        why="it may be no CT, or its place may be wrong",
    ),
)
"""All of them; a further one is a row here, and one in the table of bundle/docs/report.md."""

BY_NAME = {reason.name: reason for reason in REASONS}


def assess(name: str, checks: Checks) -> dict[str, Any]:
    """The verdict on a surface: `doubts` by reason and the whole `doubt`, in [0, 1], and `trust`: "ok", "check" or
    "do not use".

    Args:
        name: of the chamber, of `STRUCTURES`.
        checks: all that the reasons' quantities ask for.
    """
    doubts = {reason.name: reason.doubt(name, checks) for reason in REASONS}
    doubt = 1 - prod(1 - value for value in doubts.values())
    trust = "do not use" if doubt >= REJECT else "check" if doubt >= CHECK else "ok"
    return {"doubts": doubts, "doubt": doubt, "trust": trust}


def usable(checks: Checks) -> bool:
    """Whether a reader may be shown the numbers of a surface: not where its `trust` is "do not use"."""
    return checks["trust"] != "do not use"


def measured_of(structures: Mapping[str, Checks]) -> dict[str, Measured]:
    """What a reader is told of each surface, from the report's `structures`."""
    return {
        name: Measured(
            checks["volume_ml"] if usable(checks) else None,
            checks["trust"],
            remark(name, checks),
            phrases(name, checks),
        )
        for name, checks in structures.items()
    }


def phrases(name: str, checks: Checks) -> dict[str, str]:
    """What is said of each doubt that `checks`, with their verdict, hold, by its name, strongest first."""
    doubts = {reason: value for reason, value in checks["doubts"].items() if value > BY_NAME[reason].noted}
    extreme = "small" if checks["volume_ml"] < CHAMBERS[name].volume_ml[0] else "large"
    strongest = sorted(doubts, key=doubts.get, reverse=True)
    return {reason: BY_NAME[reason].phrase.format(**checks, extreme=extreme) for reason in strongest}


def remark(name: str, checks: Checks) -> str | None:
    """A sentence on the doubts that `checks`, with their verdict, hold; None where there is nothing to say."""
    said = phrases(name, checks)
    if not said:
        return None
    verdict = "" if checks["trust"] == "ok" else f" {checks['trust']} (doubt {checks['doubt']:.2f}):"
    return f"{name}:{verdict} {'; '.join(said.values())}"
