"""A CT as a MetaTensor, read in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Transform
from monai.utils import SpaceKeys

from ..dicom import files_below
from ..inputs import InputError
from ..runtime.isolation import prepare, run_isolated
from ..runtime.timing import timed
from .ct import list_phases, read_ct
from .kinds import SINGLE_FILES, is_archive, is_image

READING_DICOM = ("custom.dicom", "pydicom.pixels", "pydicom.pixels.decoders", "numpy.ma")
"""Modules that take longer to import than a file to read."""
ALL_PHASES = "all"
"""Value of `phase` that means every phase of a heart beat."""


class LoadCTd(Transform):
    """Load a CT as a MetaTensor (1, D0, D1, D2), int16 or float32, in HU; its affine, float64, may be sheared.

    `custom.reading` reads it, in the process and under the limits of `custom.runtime.isolation`. The meta data hold the
    geometry only: a patient's name goes no further. The record also gets `reading`, `places` and `seconds`, see
    :class:`custom.inference.record.Record`; of an image that was begun, these are the seconds that the call waited.

    Args:
        keys: the key of the image's path: a file, a DICOM folder, or a zip of one of these.
        series_uid: the series to read of a DICOM folder; None chooses.
        phase: the cardiac phase, or the volume counted from 1, to read of an image of several; with `ALL_PHASES` each
            of `phases` is read by its own arguments.
        hu_offset: HU that are added to the values, for images stored shifted.
        force: go on, with a warning, where the values do not look like HU.
        body_surface: of the patient, m², in place of what a DICOM series tells.

    Raises:
        InputError: the image cannot be read, is not one 3D volume of one value a voxel, does not look like a CT in HU,
            or is a DICOM series that cannot be trusted.
    """

    def __init__(
        self,
        keys: Hashable,
        series_uid: str | None = None,
        phase: str | float | None = None,
        hu_offset: float = 0.0,
        force: bool = False,
        body_surface: float | None = None,
    ) -> None:
        self.key = keys
        self.series_uid = series_uid
        self.phase = None if str(phase).lower() == ALL_PHASES else phase
        self.hu_offset = float(hu_offset)
        self.force = bool(force)
        self.body_surface = body_surface
        self._ahead: dict[tuple[str, str], Future] = {}
        prepare(read_ct.__module__)  # while the networks are made

    def phases(self, path: str) -> dict[str, Any]:
        """The `phases` of an image, as :func:`custom.reading.ct.list_phases` tells them, with `warnings` and
        `forced`."""
        return read_isolated(Path(path), list_phases, self.force, series_uid=self.series_uid)[0]

    def body_surface_of(self, series: Mapping[str, Any] | None) -> float | None:
        """The patient's, m²: as the call has it, or as the description of a DICOM series tells; None where neither."""
        return (series or {}).get("body_surface_m2") if self.body_surface is None else float(self.body_surface)

    def begin(self, path: str, phases: Sequence[Mapping[str, Any] | None] = (None,)) -> None:
        """Read an image, or those of its phases that these `arguments` mean, in the background, side by side, for calls
        soon after; only what was begun last is kept."""
        earlier, self._ahead = self._ahead, {}
        for which in phases:
            key = (path, repr(which))
            self._ahead[key] = earlier.get(key) or Future()
            if key not in earlier:
                # A daemon: the end of this process need not wait for it, and ends the one that reads.
                Thread(target=self._read_into, args=(self._ahead[key], path, which), daemon=True).start()

    def _read_into(self, found: Future, path: str, which: Mapping[str, Any] | None) -> None:
        try:
            found.set_result(self._read(path, which))
        except BaseException as error:
            found.set_exception(error)

    def _read(self, path: str, which: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], np.ndarray]:
        arguments = {"series_uid": self.series_uid, "phase": self.phase, "hu_offset": self.hu_offset, **(which or {})}
        return read_isolated(Path(path), read_ct, self.force, **arguments)

    def __call__(self, data: Mapping[Hashable, Any], which: Mapping[str, Any] | None = None) -> dict[Hashable, Any]:
        """`which`: the `arguments` of one of `phases`."""
        seconds: dict[str, float] = {}
        with timed(seconds, "read"):
            begun = self._ahead.pop((data[self.key], repr(which)), None)
            facts, values = self._read(data[self.key], which) if begun is None else begun.result()
        affine = np.array(facts["affine"])
        meta = {
            "original_affine": torch.from_numpy(affine.copy()),
            "spatial_shape": np.array(values.shape),
            "space": SpaceKeys.RAS,
        }
        image = MetaTensor(torch.from_numpy(values)[None], affine=torch.from_numpy(affine), meta=meta)
        reading = {name: facts[name] for name in ("series", "warnings", "forced")}
        reading["body_surface_m2"] = self.body_surface_of(facts["series"])
        return {**data, self.key: image, "seconds": seconds, "reading": reading, "places": facts["places"]}


def read_isolated(path: Path, read: Callable, force: bool, **arguments: Any) -> tuple[dict[str, Any], np.ndarray]:
    """What a function of `custom.reading.ct` tells of an image, and its volume (D0, D1, D2), from its own process.

    Raises InputError where it does, or where the limits of `custom.runtime.isolation` do not suffice.
    """
    try:
        needs = () if is_image(path) else READING_DICOM
        facts, values = run_isolated(read, path, _bytes_behind(path), force, is_archive(path), needs, **arguments)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}", "unreadable") from error
    return facts, values.T


def _bytes_behind(path: Path) -> int:
    """Bytes of the files that reading may open: for an image in several files, all those of its folder."""
    alone = path.is_file() and path.name.lower().endswith(SINGLE_FILES)
    files = [path] if alone else files_below(path if path.is_dir() else path.absolute().parent)
    return sum(os.path.getsize(file) for file in files if os.path.isfile(file))
