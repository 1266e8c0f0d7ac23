"""The curves of Table 1: validation Dice of every row against steps and against seconds of learning."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

from benchmarks.systems import Row


class Validation(NamedTuple):
    """What a validation found, counted from the start of the first stage."""

    step: int
    seconds: float
    dice: float


def curve_of(row: Row, base: Path) -> list[Validation]:
    """The validations of a row's second stage, and before them the one that ended the first."""
    start = _validations(row.start(base))[-1:]
    first = start[0] if start else Validation(0, 0.0, 0.0)
    later = [
        Validation(first.step + step, first.seconds + seconds, dice)
        for step, seconds, dice in _validations(row.folder(base) / "train")
    ]
    return [*start, *later]


def _validations(folder: Path) -> list[Validation]:
    found = json.loads((folder / "curve.json").read_text())
    return [Validation(one["step"], one["seconds"], one["validation_dice"]) for one in found]


def curves_figure(curves: Mapping[Row, Sequence[Validation]]) -> Figure:
    """Two panels, steps and seconds; a colour a system, other seeds dashed. Meshes start where the line does."""
    figure = Figure(figsize=(13, 5), dpi=120, layout="constrained")
    names = list(dict.fromkeys(row.name for row in curves))
    for axes, across, label in zip(
        figure.subplots(1, 2, sharey=True), ("step", "seconds"), ("steps", "hours of learning"), strict=True
    ):
        scale = 3600 if across == "seconds" else 1
        for row, validations in curves.items():
            axes.plot(
                [getattr(one, across) / scale for one in validations],
                [one.dice for one in validations],
                color=f"C{names.index(row.name)}",
                linestyle="dashed" if row.seed else "solid",
                marker=".",
                markersize=4,
                label=row.title,
            )
        axes.set_xlabel(label)
        axes.set_ylim(0, 1)
        axes.grid(color="0.9")
        axes.set_axisbelow(True)
    axes.figure.axes[0].set_ylabel("validation Dice, mean of the chambers")
    handles, titles = axes.get_legend_handles_labels()
    figure.legend(handles, titles, loc="outside right upper", fontsize=8)
    return figure


def reached_table(curves: Mapping[Row, Sequence[Validation]]) -> str:
    """How far each row came, as Markdown: the best validation, and where 99 % of it was reached."""
    lines = [
        "| system | steps | s of learning | best validation Dice | 99 % of it after steps | after s |",
        "|---|---|---|---|---|---|",
    ]
    for row, validations in curves.items():
        last, best = validations[-1], max(one.dice for one in validations)
        near = next(one for one in validations if one.dice >= 0.99 * best)
        lines.append(
            f"| {row.title} | {last.step} | {last.seconds:.0f} | {best:.3f} | {near.step} | {near.seconds:.0f} |"
        )
    return "\n".join(lines)
