"""The inference workflow for a notebook: `load_model().predict("ct.nii.gz").meshes["LA"]`.

It puts `inference.json` together as the command does, and writes nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import nibabel
import numpy as np
import torch
import trimesh
from monai.bundle import ConfigParser
from monai.utils import CommonKeys

from .calls import check_overrides, check_values
from .configs import config_file
from .frames import ras_to_lps
from .inference.evaluator import explain
from .inference.quality.doubt import measured_of
from .inference.quality.values import values_of
from .inference.record import Record
from .inference.second_look import look
from .inference.writing.report import Run, make_report
from .inputs import InputError
from .reading.discovery import find_cases
from .runtime import errors
from .runtime.forking import refuse_fork
from .runtime.timing import timed
from .viewer import Frame, Page

SPACES = ("RAS", "LPS")


class Prediction(NamedTuple):
    """What is known of one CT."""

    meshes: dict[str, trimesh.Trimesh]
    """Per chamber, vertices (V, 3) float64 in mm, in the space that was asked for; faces wind outward."""
    report: dict[str, Any]
    """As `NAME_report.json`, but without `files`."""
    label_map: np.ndarray
    """(D0, D1, D2) uint8: 0 background, 1 LA, 2 LV; on the image's own grid, of axes made perpendicular if sheared."""
    affine: np.ndarray
    """(4, 4) float64, the label map's voxels to RAS mm."""
    landmarks: dict[str, dict[str, Any]]
    """As in the report, but in the space that was asked for: `centre_mm`, `normal`, `contour_mm`, `trust`, `reason`."""
    measurements: dict[str, dict[str, Any]]
    """As in the report: `value`, `unit`, `trust`, `reason`."""
    regions: dict[str, np.ndarray]
    """Per chamber (V,) int32, what part of it each vertex is of; the report's `regions` name the values."""
    expected_error_mm: dict[str, np.ndarray]
    """Per chamber (V,) float32, how far each vertex is expected to be from the truth; nothing of a chamber where it is
    not known."""
    page: Callable[[], bytes]
    """Makes what the command writes as `NAME_view.html`; raises InputError where the viewer is not installed."""

    def show(self, height: int = 800) -> Frame:
        """The page, as what a notebook displays; `height` is in pixels."""
        return Frame(self.page(), height)


class Model:
    """The network with its weights, and what comes before and after it.

    Args:
        parser: holds `inference.json` with the overrides of a call.
    """

    def __init__(self, parser: ConfigParser) -> None:
        parser.get_parsed_content("load_weights")
        keys = ("device", "preprocessing", "inferer", "surfaces", "series_uid")
        self._device, self._preprocessing, self._inferer, self._surfaces, self._series_uid = (
            parser.get_parsed_content(key) for key in keys
        )
        self.network: torch.nn.Module = parser.get_parsed_content("network").eval().requires_grad_(False)
        """Maps a crop to vertices, as `ShapeNetwork.forward` says."""
        self._page = Page(parser.get_parsed_content("window"))
        self._run = Run(*(parser.get_parsed_content(key) for key in ("checkpoint", "device", "amp")))

    def predict(
        self, image: str | PathLike | np.ndarray, affine: np.ndarray | None = None, space: str = "RAS"
    ) -> Prediction:
        """The chambers of one CT.

        Args:
            image: a NIfTI, NRRD or MHA file, a DICOM folder or a file of it, or an array (D0, D1, D2) in HU.
            affine: (4, 4), an array's voxels to RAS mm, as `nibabel` gives it.
            space: of the meshes, "RAS" or "LPS".

        Raises:
            InputError: the image cannot be used; the message says why and what to do.
            ValueError: an unknown space, or an array without its affine.
            RuntimeError: this process was forked from one that has predicted.
        """
        refuse_fork()
        if space not in SPACES:
            raise ValueError(f"space must be one of {', '.join(SPACES)}, got {space!r}")
        if isinstance(image, np.ndarray):
            if affine is None:
                raise ValueError("an array needs its affine (4, 4), voxels to RAS mm: where the patient is in it")
            with tempfile.TemporaryDirectory() as folder:  # read as every file is, with the same checks
                file = Path(folder) / "array.nii"
                nibabel.save(nibabel.Nifti1Image(image.astype(np.float32), affine), file)
                return self._predict(file, space)
        return self._predict(image, space)

    def record(self, image: str | PathLike) -> Record:
        """One CT, given as a path, with all that is known of it before anything is written.

        Raises InputError as `predict` does.
        """
        cases = find_cases(image, series_uid=self._series_uid)
        if len(cases) != 1:
            raise InputError(f"predict takes one case, here are {len(cases)}: give it one after the other")
        case = cases[0]
        try:
            return self._record(case)
        except Exception as error:  # told as the command tells it
            outcome, reason = explain(error, case["image"])
            raise InputError(reason, outcome) from error

    def _predict(self, image: str | PathLike, space: str) -> Prediction:
        record = self.record(image)
        report = make_report(record, self._run)
        report["seconds"] = {part: round(value, 3) for part, value in record["seconds"].items()}
        move = ras_to_lps if space == "LPS" else np.array
        return Prediction(
            {mesh.name: trimesh.Trimesh(move(mesh.vertices), mesh.faces, process=False) for mesh in record["meshes"]},
            report,
            record["label_map"].whole(),
            record["label_grid"].affine,
            {name: moved(landmark, move) for name, landmark in report["landmarks"].items()},
            report["measurements"],
            record["anatomy"].regions,
            {mesh.name: mesh.expected_error_mm for mesh in record["meshes"] if mesh.expected_error_mm is not None},
            partial(
                self._page,
                record["image"],
                record["meshes"],
                report,
                measured_of(report["structures"]),
                values_of(report),
            ),
        )

    def _record(self, case: dict[str, str]) -> Record:
        record = {"image_file": case["image"], "name": case["name"], **self._preprocessing({"image": case["image"]})}
        record, answer = look(record, self._ask, self._preprocessing)
        return self._surfaces({**record, **answer})

    def _ask(self, record: Record) -> dict[str, torch.Tensor]:
        inputs = record[CommonKeys.IMAGE].as_tensor()[None].to(self._device)
        with timed(record["seconds"], "network"), torch.inference_mode():
            return {key: value[0].cpu() for key, value in self._inferer(inputs, self.network).items()}


def moved(landmark: Mapping[str, Any], move: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    """A landmark of the report in another space, as arrays."""
    names = {"centre_mm": "centre_ras_mm", "normal": "normal_ras", "contour_mm": "contour_ras_mm"}
    places = {name: landmark[key] for name, key in names.items()}
    return {
        **{name: None if place is None else move(np.array(place)) for name, place in places.items()},
        "trust": landmark["trust"],
        "reason": landmark["reason"],
    }


def load_model(**overrides: Any) -> Model:
    """The bundle's network, ready to predict.

    Args:
        overrides: keys of `bundle/configs/inference.json`, as on the command line: `device="cpu"`,
            `checkpoint="model.pt"`, `structures="LA"`, `force=True`.

    Raises InputError for a key that there is not, a value that it cannot have, weights that do not fit, or too little
    memory of the device.
    """
    parser = read_workflow(overrides)
    try:
        return Model(parser)
    except Exception as error:  # told as the command tells it
        _refuse(error)


def read_workflow(overrides: Mapping[str, Any]) -> ConfigParser:
    """`inference.json` with the overrides of a call, checked as the command checks it, but for its input.

    Raises InputError as `load_model` does.
    """
    config = config_file("inference.json")
    parser = ConfigParser()
    parser.read_config(config)
    check_overrides(overrides, parser.config)
    parser.update({"bundle_root": str(config.parents[1]), **overrides})
    check_values(parser.get_parsed_content("call"))
    try:
        for network in ("network", "locator", "directions", "edges", "mitral_hinges", "aortic_hinges"):
            parser.get_parsed_content(f"checks#{network}")
    except Exception as error:  # told as the command tells it
        _refuse(error)
    return parser


def _refuse(error: Exception) -> NoReturn:
    """Raise InputError where the error was foreseen, and the error itself where not."""
    outcome, reason = errors.explain(error)
    if outcome == "error":
        raise error
    raise InputError(reason, outcome) from error
