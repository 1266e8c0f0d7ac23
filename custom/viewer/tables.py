"""Measurements and landmarks as the page lists them, in HTML; every text is escaped here."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from ..measured import Value
from ..terms import LANDMARKS, MEASUREMENTS
from .colours import LANDMARK, swatch
from .words import trust_mark

_UNITS = {"cm2": "cm²", "mL/m2": "mL/m²", "1": ""}
"""How a unit of UCUM is written, where it is not as it is."""


def measurement_table(values: Mapping[str, Value]) -> str:
    """A row a measurement: name, number and unit, trust, and what is to be known of it; nothing without any."""
    if not values:
        return ""
    rows = "\n".join(_row(name, value) for name, value in values.items())
    return f"<h2>Measurements</h2>\n<table>\n{rows}\n</table>"


def _row(name: str, value: Value) -> str:
    number = "no number" if value.value is None else f"{_shown(value)} {_UNITS.get(value.unit, value.unit)}"
    reason = "" if value.reason is None else f'<div class="reason">{escape(value.reason)}</div>'
    return (
        f'<tr id="value-{name}"><th scope="row">{escape(MEASUREMENTS[name].title)}{reason}</th>'
        f"<td>{number}</td><td>{trust_mark(value.trust)}</td></tr>"
    )


def _shown(value: Value) -> str:
    """As many digits as a reader can use."""
    return f"{value.value:.2f}" if value.unit == "1" else f"{value.value:.1f}"


def landmark_list(landmarks: Mapping[str, Mapping[str, Any]]) -> str:
    """A row a landmark, with a button that moves the planes to it, or why there is none; nothing without any."""
    if not landmarks:
        return ""
    rows = "\n".join(_landmark(name, landmarks[name]) for name in LANDMARKS if name in landmarks)
    show = ' <label><input type="checkbox" id="show-landmarks" checked> Show</label>' if located(landmarks) else ""
    hint = '<p class="hint">Press one: the planes go there.</p>' if located(landmarks) else ""
    return f"<h2>Landmarks{show}</h2>\n{hint}\n<table>\n{rows}\n</table>"


def located(landmarks: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Those that were found."""
    return {name: landmark for name, landmark in landmarks.items() if landmark["centre_ras_mm"] is not None}


def _landmark(name: str, landmark: Mapping[str, Any]) -> str:
    title, trust = escape(LANDMARKS[name].title), landmark["trust"]
    reason = "" if landmark["reason"] is None else f'<div class="reason">{escape(landmark["reason"])}</div>'
    if landmark["centre_ras_mm"] is not None:
        title = f'<button id="landmark-{name}">{swatch(LANDMARK[trust])} {title}</button>'
    return f'<tr><th scope="row">{title}{reason}</th><td>{trust_mark(trust)}</td></tr>'
