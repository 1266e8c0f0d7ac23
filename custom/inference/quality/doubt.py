"""How far a surface is to be doubted: a fixed rule, without fitted numbers, from what was measured of it.

Each reason for doubt has a quantity that grows with it, a value up to which it gives no doubt, and one from which on it
gives full doubt, 1; in between the doubt grows linearly. They add up as independent reasons do: the whole doubt is
1 - (1 - d1)(1 - d2)..., which never falls when one of them grows, and one full reason suffices.

================== ========================================================= ========== ==== =========================
reason             quantity                                                  no doubt   full why
================== ========================================================= ========== ==== =========================
disagreement       1 - Dice of the surface and the U-Net's own segmentation  0          0.3  two readings of one image
instability        1 - lowest Dice of the surface and those that slightly    0          0.3  the heart is the same in
                   varied images give                                                        all of them
missed             mL of what the network saw of the chamber, in one piece   1          6    an appendage has about as
                   with it, but more than 5 mm outside the surface                           much
no_contrast        HU that the blood lacks to be as bright as its            -50        -20  where blood ends is hardly
                   surroundings, or as `MUSCLE` where they are darker                        to be seen
cut_off            share of the vertices at the edge of the image or of the  0          0.15 the rest was not seen
                   crop
implausible_volume times that the volume exceeds the population's largest,   1          1.5  hardly anybody has it
                   or falls below its smallest
directions         probability that the anatomy runs another way than the   0.5        1    the header confuses right
                   header says                                                               and left, head and feet ...
crossing           pairs of the surface's faces that cross                   0          50   the deformation broke down
forced             refusals of the image that `force` overrode               0          2    it may be no CT, or its
                                                                                             place may be wrong
================== ========================================================= ========== ==== =========================
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, prod
from typing import Any

from ...chambers import VOLUMES_ML

CHECK, REJECT = 1 / 3 - 1e-9, 2 / 3 - 1e-9
"""Least doubt with which a surface is to be checked, and with which it is not to be used: a third, two thirds, less
what floating point may lack of them, as 1 - 0.9 does of 0.1."""
MUSCLE = 100.0
"""HU that is as bright as muscle and blood are without contrast (30 to 60), or muscle with a little of it."""
RAMPS = {
    "disagreement": (0.0, 0.3),
    "instability": (0.0, 0.3),
    "missed": (1.0, 6.0),
    "no_contrast": (-50.0, -20.0),
    "cut_off": (0.0, 0.15),
    "implausible_volume": (1.0, 1.5),
    "directions": (0.5, 1.0),
    "crossing": (0.0, 50.0),
    "forced": (0.0, 2.0),
}
"""Per reason its quantity's values without doubt and with full doubt."""
PHRASES = {
    "disagreement": "the network's own segmentation differs (Dice {agreement:.2f})",
    "instability": "it changes where the image hardly does (Dice {stability:.2f})",
    "missed": "it leaves out {missed_ml:.1f} mL that the network's own segmentation has",
    "no_contrast": "hardly any contrast was seen (blood {blood_hu} HU, around it {surroundings_hu} HU)",
    "cut_off": "{cut:.1%} of the surface lies at the edge of the field of view, where it may be cut off",
    "implausible_volume": "hardly anybody has a volume of {volume_ml:.0f} mL",
    "directions": "by the look of the anatomy the header confuses directions ({confused})",
    "crossing": "the surface crosses itself at {self_intersections} pairs of faces",
    "forced": "without `force` the image would have been refused",
}
"""What is said of each reason, from the chamber's checks."""
NOTED = {"disagreement": CHECK / 2, "instability": CHECK / 2}
"""Doubt from which a reason is mentioned; the others always are, for they give none where all is well."""


def assess(name: str, checks: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict on a surface: `doubts` by reason and the whole `doubt`, in [0, 1], and `trust`: "ok", "check" or
    "do not use".

    Args:
        name: of the chamber, of `STRUCTURES`.
        checks: `agreement`, `stability`, `missed_ml`, `blood_hu`, `surroundings_hu`, `cut`, `volume_ml`,
            `upright` and `self_intersections`, as the report explains them but not rounded, and how many refusals were
            `forced`.
    """
    doubts = {}
    for reason, quantity in _quantities(name, checks).items():
        none, full = RAMPS[reason]
        doubts[reason] = min(max((quantity - none) / (full - none), 0.0), 1.0)
    doubt = 1 - prod(1 - value for value in doubts.values())
    trust = "do not use" if doubt >= REJECT else "check" if doubt >= CHECK else "ok"
    return {"doubts": doubts, "doubt": doubt, "trust": trust}


def remark(name: str, checks: Mapping[str, Any]) -> str | None:
    """A sentence on the doubts that `checks`, with their verdict, hold; None where there is nothing to say."""
    doubts = {reason: value for reason, value in checks["doubts"].items() if value > NOTED.get(reason, 0.0)}
    if not doubts:
        return None
    phrases = [PHRASES[reason].format(**checks) for reason in sorted(doubts, key=doubts.__getitem__, reverse=True)]
    verdict = "" if checks["trust"] == "ok" else f" {checks['trust']} (doubt {checks['doubt']:.2f}):"
    return f"{name}:{verdict} {'; '.join(phrases)}"


def _quantities(name: str, checks: Mapping[str, Any]) -> dict[str, float]:
    blood, around, volume = checks["blood_hu"], checks["surroundings_hu"], checks["volume_ml"]
    smallest, largest = VOLUMES_ML[name]
    return {
        "disagreement": 1 - checks["agreement"],
        "instability": 0.0 if checks["stability"] is None else 1 - checks["stability"],
        "missed": checks["missed_ml"],
        "no_contrast": inf if blood is None else max(MUSCLE, MUSCLE if around is None else around) - blood,
        "cut_off": checks["cut"],
        "implausible_volume": max(volume / largest, smallest / volume) if volume > 0 else inf,
        "directions": 1 - checks["upright"],
        "crossing": checks["self_intersections"],
        "forced": checks["forced"],
    }
