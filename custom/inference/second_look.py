"""A heart that its crop cuts off is looked at once more, round its own middle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from monai.utils import CommonKeys
from torch import Tensor

from ..frames import normalised_to_ras
from .quality.checks import is_cut
from .record import Record, seen_grids

Answer = dict[str, Tensor]
"""What the inferer says of a crop, of one case."""


def look(
    record: Record, ask: Callable[[Record], Answer], prepare: Callable[[Mapping[str, Any]], Record]
) -> tuple[Record, Answer]:
    """A case as it is seen, and the answer: after a second look where the first crop cuts surfaces off.

    The image is read anew for that, since it is let go of before the network runs. A centre that was given stays.

    Args:
        record: of a case, preprocessed.
        ask: the inferer.
        prepare: the preprocessing, which takes a `centre` beside the path under `image`.
    """
    answer = ask(record)
    found = record["reading"]["heart"]["seen_ml"] is not None
    middle = middle_of_cut(record, answer) if found and "faces" in answer else None  # masks tell of their crop alone
    if middle is None:
        return record, answer
    again = prepare({CommonKeys.IMAGE: record["image_file"], "centre": middle})
    again["seconds"] = dict(Counter(record["seconds"]) + Counter(again["seconds"]))
    again = {**record, **again}
    return again, ask(again)


def middle_of_cut(record: Record, answer: Answer) -> np.ndarray | None:
    """Middle (3,) RAS mm of the box round the surfaces, if they end at the crop though the image goes on."""
    crop, whole = seen_grids(record[CommonKeys.IMAGE])
    vertices = normalised_to_ras(answer[CommonKeys.PRED].double().numpy().reshape(-1, 3), crop.shape, crop.affine)
    cut = is_cut(vertices, [crop]) & ~is_cut(vertices, [whole])
    return (vertices.min(axis=0) + vertices.max(axis=0)) / 2 if cut.any() else None
