"""The phases of a beat on the page: where every vertex is in each, the CT of two, and the curve of the volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np
from matplotlib.colors import to_hex
from monai.data import MetaTensor

from ..chambers import CHAMBERS
from ..measured import Value
from ..mesh import Mesh
from .words import trust_mark

STEP_MM = 0.01
"""In which positions are stored, 16 bits a coordinate."""
_EXTREMES = {
    "LV": ("LV_end_diastolic_volume", "LV_end_systolic_volume"),
    "LA": ("LA_largest_volume", "LA_smallest_volume"),
}
"""Whose largest and smallest volume are the phases that come with their CT: the first of these that there is."""
_UNUSABLE = "do not use"
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 400, 190, 30, 10, 22, 34
"""Of the curve, in the units of its drawing."""


class Phase(NamedTuple):
    """What the page is told of a phase."""

    image: MetaTensor
    """As the page takes that of the case, on the same grid."""
    meshes: Sequence[Mesh]
    """With the same vertices and faces in all phases."""


class Motion(NamedTuple):
    """Positions in all phases, as they are stored."""

    origin: np.ndarray
    """(3,) RAS mm, of the first step."""
    steps: dict[str, bytes]
    """Of each structure (P, V, 3) uint16, little endian, of `STEP_MM`."""

    @classmethod
    def of(cls, phases: Sequence[Phase]) -> Motion:
        origin = np.min([mesh.vertices.min(axis=0) for phase in phases for mesh in phase.meshes], axis=0)
        steps = {
            mesh.name: b"".join(
                np.rint((phase.meshes[place].vertices - origin) / STEP_MM).astype("<u2").tobytes() for phase in phases
            )
            for place, mesh in enumerate(phases[0].meshes)
        }
        return cls(origin, steps)


def moments(function: Mapping[str, Any], own: float) -> list[int]:
    """Indices of the phases that come with their CT: the case's own, at `own` per cent, and that of the other extreme
    volume, where it is known."""
    chamber = next(name for name in (*_EXTREMES, *function["curves"]) if name in function["curves"])
    measures = function["measures"]
    extremes = [measures[name]["percent"] for name in _EXTREMES.get(chamber, ()) if name in measures]
    wanted = dict.fromkeys([own, *(percent for percent in extremes if percent is not None)])
    return [function["percent"].index(percent) for percent in wanted]


def told(function: Mapping[str, Any]) -> list[str]:
    """Of each phase the volumes, but of surfaces that are not to be used."""
    return [
        ", ".join(_volume(name, curve["volume_ml"][place], curve["trust"][place]) for name, curve in _curves(function))
        for place in range(len(function["percent"]))
    ]


def usable(function: Mapping[str, Any]) -> dict[str, list[bool]]:
    """Of each structure, in which phases it may be shown."""
    return {name: [trust != _UNUSABLE for trust in curve["trust"]] for name, curve in _curves(function)}


def section(function: Mapping[str, Any], own: float, fraction: Value | None) -> str:
    """The slider over the phases, the curve and the ejection fraction, in HTML.

    Args:
        function: of the report.
        own: per cent of the beat, of the case's own phase.
        fraction: the ejection fraction; None where no ventricle was asked for.
    """
    last, at = len(function["percent"]) - 1, function["percent"].index(own)
    return f"""<section id="beat" aria-label="The phases of the beat">
<label>Phase of the beat <input type="range" id="phase" min="0" max="{last}" step="1" value="{at}"></label>
<p><output id="phase-told"></output></p>
<p class="hint" id="phase-planes"></p>
{_draw(function)}
{_headline(fraction)}
</section>"""


def _headline(fraction: Value | None) -> str:
    if fraction is None:
        return ""
    number = "no number" if fraction.value is None else f"{fraction.value:.0f} %"
    reason = "" if fraction.reason is None else f'<p class="reason">{escape(fraction.reason)}</p>'
    return (
        f'<p id="fraction">Ejection fraction <span class="number">{number}</span> {trust_mark(fraction.trust)}</p>'
        f"{reason}"
    )


def _curves(function: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return list(function["curves"].items())


def _volume(name: str, volume: float, trust: str) -> str:
    if trust == _UNUSABLE:
        return f"{name} not to be used"
    return f"{name} {volume:.1f} mL{'' if trust == 'ok' else f' ({trust})'}"


def _draw(function: Mapping[str, Any]) -> str:
    """Volume over the beat as SVG; the first phase is drawn once more at its end."""
    percents, curves = function["percent"], _curves(function)
    at = [*percents, percents[0] + 100]
    shown = [volume for _, curve in curves for volume, trust in zip(curve["volume_ml"], curve["trust"], strict=True)
             if trust != _UNUSABLE]  # fmt: skip
    top = 50 * np.ceil(max(shown, default=50) / 50)

    def x(percent: float) -> float:
        return round(_LEFT + (percent - at[0]) / 100 * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(volume: float) -> float:
        return round(_HEIGHT - _BOTTOM - volume / top * (_HEIGHT - _TOP - _BOTTOM), 1)

    def words(left: float, low: float, text: str, anchor: str = "middle", colour: str = "currentColor") -> str:
        return f'<text x="{left}" y="{low}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'

    parts = []
    for volume in np.arange(0, top + 1, 50):
        parts.append(f'<path class="grid" d="M{_LEFT} {y(volume)}H{_WIDTH - _RIGHT}"/>')
        parts.append(words(_LEFT - 6, y(volume) + 4, f"{volume:.0f}", "end"))
    for percent in at:
        parts.append(words(x(percent), _HEIGHT - _BOTTOM + 16, f"{percent % 100:.0f}"))
    parts.append(words(_WIDTH / 2, _HEIGHT - 3, "% of the beat"))
    parts.append(words(2, 11, "mL", "start"))
    for name, curve in curves:
        colour = to_hex(CHAMBERS[name].colour)
        volumes, trusts = ([*curve[of], curve[of][0]] for of in ("volume_ml", "trust"))
        line = [f"{x(p)},{y(v)}" for p, v, trust in zip(at, volumes, trusts, strict=True) if trust != _UNUSABLE]
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(line)}"/>')
        parts += [_mark(x(p), y(0 if trust == _UNUSABLE else v), trust, colour)
                  for p, v, trust in zip(at, volumes, trusts, strict=True)]  # fmt: skip
    for name, measure in function["measures"].items():
        word = {"LV_end_diastolic_volume": "ED", "LV_end_systolic_volume": "ES"}.get(name)
        if word and measure["value"] is not None:
            below = y(measure["value"]) + 16
            parts.append(words(x(measure["percent"]) + 4, below, word, "start", to_hex(CHAMBERS["LV"].colour)))
    parts.append(f'<path id="cursor" d="M0 {_TOP}V{_HEIGHT - _BOTTOM}"/>')
    parts += [f'<rect id="mark-{place}" x="{x(percent)}" y="0" width="0" height="0"/>'
              for place, percent in enumerate(percents)]  # fmt: skip
    legend = ", ".join(f"{name} {CHAMBERS[name].title.lower()}" for name, _ in curves)
    return (
        f'<svg id="curve" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Volumes over the beat">'
        f'{"".join(parts)}</svg>\n<p class="hint">{escape(legend)}. Round: no alarm; triangle: check; cross at the '
        "foot: not to be used. ED, ES: end-diastole, end-systole.</p>"
    )


def _mark(x: float, y: float, trust: str, colour: str) -> str:
    if trust == "ok":
        return f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>'
    shape = f"M{x} {y - 5}l5 9h-10z" if trust == "check" else f"M{x - 4} {y - 4}l8 8m0-8l-8 8"
    return f'<path d="{shape}" fill="{colour}" stroke="{colour}"/>'
