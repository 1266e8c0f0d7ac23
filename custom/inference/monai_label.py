"""MONAI Label's way through the bundle, as dictionary transforms round those of the command line.

MONAI Label 0.8 takes a bundle's transforms from `inference.json`: those before the network from `pre_transforms`, or
`preprocessing` where there is none, and those after it from `post_transforms`, or `postprocessing`. Its record is the
request itself, with whatever a client adds, and what the inferer gives it puts under `pred` whole.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Hashable, Mapping
from os import PathLike
from typing import Any

import torch
from monai.transforms import Transform

from ..inputs import InputError
from ..reading.discovery import find_cases
from ..reading.kinds import LABEL_MAP_ENDING
from .writing.outputs import Outputs
from .writing.report import Run, make_report
from .writing.saving import preview_of

Record = dict[Hashable, Any]
"""MONAI Label's, which holds ours."""


class MONAILabelRequestd(Transform):
    """A request, whose `image` is a path, to the record of a case, beside the request's other entries.

    Nothing but `image` goes through the preprocessing, whose transforms shall not meet what a client adds: MONAI 1.6's
    Spacingd, for one, takes entries whose names begin with `image_` for meta data, and fails on MONAI Label's own
    `image_path`.

    Args:
        preprocessing: from a path to the crop, both under `image`.

    Raises InputError where the path is not one image.
    """

    def __init__(self, preprocessing: Callable[[Mapping[Hashable, Any]], Mapping[Hashable, Any]]) -> None:
        self.preprocessing = preprocessing

    def __call__(self, data: Mapping[Hashable, Any]) -> Record:
        cases = find_cases(data["image"])
        if len(cases) != 1:
            raise InputError(f"a request is for one image, and this folder holds {len(cases)}")
        (case,) = cases
        return {
            **data,
            **self.preprocessing({"image": case["image"]}),
            "name": case["name"],
            "image_file": case["image"],
        }


class MONAILabelResultd(Transform):
    """The record of a case to the reply: `pred` becomes the label map, `result` the JSON that goes with it.

    `pred` is uint8 (1, D0, D1, D2) on the study's own grid, which MONAI Label writes as NIfTI unless the client names
    another `result_extension`. `result` holds the `report` of the case and, by name, its other files in base64.

    Args:
        surfaces: from the network's output to the record's `meshes` and `own_label_map`.
        outputs: which files.
        weights: the weights' file, whose hash goes into the report.
        device, amp: what the network runs with, for the report.
    """

    def __init__(
        self,
        surfaces: Callable[[Mapping[Hashable, Any]], Mapping[Hashable, Any]],
        outputs: Outputs,
        weights: str | PathLike,
        device: torch.device | str,
        amp: bool,
    ) -> None:
        self.surfaces = surfaces
        self.outputs = outputs
        self.run = Run(weights=weights, device=device, amp=amp)

    def __call__(self, data: Mapping[Hashable, Any]) -> Record:
        record = self.surfaces({**data, **data["pred"]})
        report = make_report(record, self.run)
        files = self.outputs.encode(record, report, preview_of(record, report))
        files.pop(f"{record['name']}{LABEL_MAP_ENDING}")  # which is `pred`
        return {
            **data,
            "pred": record["own_label_map"].whole()[None],
            "result": {
                "report": report,
                "files": {name: base64.b64encode(content).decode() for name, content in files.items()},
            },
            "result_extension": data.get("result_extension") or ".nii.gz",
        }
