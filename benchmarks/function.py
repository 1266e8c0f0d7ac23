"""Function of generated beating hearts against the truth: `python -m benchmarks.function TRUTH FOUND`.

`TRUTH` is the folder `truth` of `python -m custom synthesize --phases 10`, `FOUND` holds what inference wrote of the
same patients. Prints a row a measure, of errors found minus true, and the patients with the largest; and draws them
against the means of both (Bland and Altman, Lancet 1986).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import fire
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from custom.function.excursion import NAME as EXCURSION
from custom.function.excursion import measure_excursion
from custom.function.volumes import measure_function

DRAWN = ("LV_ejection_fraction", "LV_end_diastolic_volume", "LV_end_systolic_volume", "LA_emptying_fraction")
NEIGHBOUR = 1
"""Phases by which the end-systole that is found may lie beside the true one."""


class Pair(NamedTuple):
    """A measure of one patient; either is None where no number is given."""

    true: float | None
    found: float | None
    trust: str


def true_measures(beat: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The measures that `beat` of a patient's truth gives, by the same definitions."""
    percents, volumes = beat["percent"], beat["volume_ml"]
    trusts = {name: ["ok"] * len(percents) for name in volumes}
    centres = [annulus["centre"] for annulus in beat["mitral annulus"]]
    largest = int(np.argmax(volumes["LV"]))
    return measure_function(percents, volumes, trusts) | measure_excursion(
        percents, centres, beat["apex"][largest], largest, trusts["LV"]
    )


def pairs_of(truth: Path, found: Path) -> tuple[dict[str, Pair], int | None]:
    """Of one patient the measures by name, and how many phases apart the true and the found end-systole lie."""
    beat, own = json.loads(truth.read_text())["beat"], json.loads(found.read_text())["measures"]
    true, phases = true_measures(beat), len(beat["percent"])
    pairs = {name: Pair(true[name]["value"], own[name]["value"], own[name]["trust"]) for name in true}
    places = [each["LV_end_systolic_volume"]["percent"] for each in (true, own)]
    if None in places:
        return pairs, None
    apart = round(abs(places[0] - places[1]) * phases / 100)
    return pairs, min(apart, phases - apart)


def error_of(name: str, pair: Pair) -> float | None:
    """Points of per cent of a share, mm of an excursion, and per cent of a true volume."""
    if pair.true is None or pair.found is None:
        return None
    if name == EXCURSION:
        return pair.found - pair.true
    return 100 * (pair.found - pair.true) / (1 if name.endswith("_fraction") else pair.true)


def main(truth: str, found: str, picture: str | None = None) -> None:
    """Print the table as Markdown.

    Args:
        truth: folder of `NAME.json`.
        found: folder of `NAME_function.json`.
        picture: file of the plots, if wanted.
    """
    patients, apart = {}, []
    for path in sorted(Path(truth).glob("*.json")):
        function = Path(found) / f"{path.stem}_function.json"
        if function.is_file():
            patients[path.stem], phases = pairs_of(path, function)
            apart.append(phases)
    if not patients:
        print(f"{found} holds no NAME_function.json of a patient of {truth}")
        return
    print(f"{len(patients)} patients\n")
    print("| measure | error in | n | mean ± SD | of those `ok` | largest | none | invented |")
    print("|---|---|---|---|---|---|---|---|")
    for name in next(iter(patients.values())):
        print(_row(name, {patient: pairs[name] for patient, pairs in patients.items()}))
    seen = [phases for phases in apart if phases is not None]
    near = sum(phases <= NEIGHBOUR for phases in seen)
    print(f"\nend-systole found: the right phase {seen.count(0)}, it or a neighbour {near}, of {len(seen)}")
    if picture:
        draw(patients).savefig(picture, dpi=110)


def _row(name: str, pairs: Mapping[str, Pair]) -> str:
    errors = {patient: error_of(name, pair) for patient, pair in pairs.items()}
    errors = {patient: error for patient, error in errors.items() if error is not None}
    unit = "mm" if name == EXCURSION else "points" if name.endswith("_fraction") else "%"
    lost = sum(pair.found is None and pair.true is not None for pair in pairs.values())
    invented = sum(pair.found is not None and pair.true is None for pair in pairs.values())
    trusted = [error for patient, error in errors.items() if pairs[patient].trust == "ok"]
    worst = max(errors, key=lambda patient: abs(errors[patient]), default=None)
    largest = "" if worst is None else f"{errors[worst]:+.1f} ({worst}, {pairs[worst].trust})"
    of_ok = f"{_spread(trusted)} ({len(trusted)})"
    cells = [f"`{name}`", unit, len(errors), _spread(list(errors.values())), of_ok, largest, lost, invented]
    return "| " + " | ".join(map(str, cells)) + " |"


def _spread(errors: list[float]) -> str:
    return f"{np.mean(errors):+.1f} ± {np.std(errors, ddof=1):.1f}" if len(errors) > 1 else ""


def draw(patients: Mapping[str, Mapping[str, Pair]]) -> Figure:
    """Differences against means, with their mean and 1.96 SD to both sides; hollow where the number is to be
    checked."""
    figure = Figure(figsize=(10.0, 7.5), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, name in zip(figure.subplots(2, 2).flat, DRAWN, strict=True):
        scale, unit = (100, "points") if name.endswith("_fraction") else (1, "mL")
        pairs = [pairs[name] for pairs in patients.values() if None not in pairs[name][:2]]
        true, found = (scale * np.array([getattr(pair, of) for pair in pairs]) for of in ("true", "found"))
        sure = np.array([pair.trust == "ok" for pair in pairs], dtype=bool)
        middle, difference = (true + found) / 2, found - true
        axes.scatter(middle[sure], difference[sure], s=22, color="#c0392b", label="ok")
        axes.scatter(middle[~sure], difference[~sure], s=26, facecolors="none", edgecolors="#c0392b", label="check")
        mean, spread = difference.mean(), 1.96 * difference.std(ddof=1)
        for level, style in ((mean, "-"), (mean - spread, "--"), (mean + spread, "--")):
            axes.axhline(level, color="0.3", linestyle=style, linewidth=1)
            axes.annotate(
                f"{level:+.1f}", (0.99, level), (0, 2), xycoords=("axes fraction", "data"), textcoords="offset points",
                fontsize=8, ha="right",
            )  # fmt: skip
        title = name.replace("_", " ")
        axes.set(title=title, xlabel=f"mean of true and found, {unit if scale == 1 else '%'}", ylabel=f"error, {unit}")
        axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return figure


if __name__ == "__main__":
    fire.Fire(main)
