"""What a validation looks like, for TensorBoard: meshes and labels in slices, predicted and exact distance fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from ignite.engine import Engine, Events
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from ..chambers import CHAMBERS

PLANES = {"sagittal": 0, "coronal": 1, "axial": 2}
"""The axis that each plane cuts; crop axes run right, anterior, superior."""
FIELD_RANGE = 0.5
"""Distance at which the colours of a field end, normalised units."""


class TensorBoardPictures:
    """Draws the first case of every validation.

    Args:
        log_dir: TensorBoard's folder.
        draw: the validator's output for one case, after its postprocessing, to a figure.
    """

    def __init__(self, log_dir: str, draw: Callable[[Mapping[str, Tensor]], Figure]) -> None:
        self.log_dir = log_dir
        self.draw = draw

    def attach(self, engine: Engine) -> None:
        """Adds itself to the validator."""
        engine.add_event_handler(Events.ITERATION_COMPLETED(once=1), self)

    def __call__(self, engine: Engine) -> None:
        with SummaryWriter(self.log_dir) as writer:
            writer.add_figure("validation", self.draw(engine.state.output[0]), engine.state.epoch)


def draw_chambers(sample: Mapping[str, Tensor]) -> Figure:
    """Three slices of the image where the labels are large: label dashed, mesh solid, a colour a chamber.

    Args:
        sample: ``image`` (1, D0, D1, D2) in [-1, 1]; ``pred`` and ``label`` (S + 1, D0, D1, D2), one-hot.
    """
    image, mesh, label = (sample[key].detach().cpu().numpy() for key in ("image", "pred", "label"))
    figure = Figure(figsize=(12, 4), layout="constrained")
    for axes, (title, axis) in zip(figure.subplots(1, 3), PLANES.items(), strict=True):
        _prepare(axes, title)
        axes.invert_xaxis()  # the crop's first axis runs to the right of the patient, who faces the reader
        extents = label[1:].sum(tuple(other + 1 for other in PLANES.values() if other != axis))
        position = int(np.sqrt(extents).sum(0).argmax())  # the root: rather some of every chamber than all of one
        axes.imshow(np.take(image[0], position, axis).T, cmap="gray", vmin=-1, vmax=1, origin="lower")
        for masks, style in ((label, "dashed"), (mesh, "solid")):
            for mask, chamber in zip(masks[1:], CHAMBERS.values(), strict=False):
                _contour(axes, np.take(mask, position, axis) - 0.5, chamber.colour, style)
    return figure


def draw_fields(sample: Mapping[str, Tensor]) -> Figure:
    """Middle slices of the exact (above) and the predicted (below) distance field, with the surface as a line.

    Args:
        sample: ``label`` (exact) and ``pred`` (1, D, D, D), normalised units.
    """
    figure = Figure(figsize=(12, 8), layout="constrained")
    rows = zip(figure.subplots(2, 3), (("exact", "label"), ("predicted", "pred")), strict=True)
    for row, (name, key) in rows:
        field = sample[key].detach().float().cpu().numpy()[0]
        for axes, (title, axis) in zip(row, PLANES.items(), strict=True):
            plane = np.take(field, field.shape[axis] // 2, axis)
            _prepare(axes, f"{name}, {title}")
            axes.imshow(plane.T, cmap="RdBu", vmin=-FIELD_RANGE, vmax=FIELD_RANGE, origin="lower")
            _contour(axes, plane, "black", "solid")
    return figure


def _prepare(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=9)
    axes.set_axis_off()


def _contour(axes: Axes, plane: np.ndarray, colour: str, style: str) -> None:
    if plane.min() < 0 < plane.max():  # matplotlib warns of a contour that is nowhere
        axes.contour(plane.T, levels=[0], colors=colour, linestyles=style, linewidths=1.2)
