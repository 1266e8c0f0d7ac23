"""What each key of a call can be: the only place that says so."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import inf, isfinite
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from ..chambers import STRUCTURES
from ..inputs import ALL, InputError, selected, wanted_structures
from ..networks.weights import check_file

Kind = Callable[[Any], str | None]
"""Of a value: what to give instead, None where it is right."""
MOST_TIMES = 3
"""That surfaces are subdivided: 163,842 vertices a chamber, edges of a third of a millimetre."""
SUPERVISIONS = ("exact", "representation")
COARSEST_STRIDE = 8
"""That the coarsest level of every network here has at least."""


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def whole(least: int, most: float = inf, multiple: int = 1) -> Kind:
    """A whole number from `least` to `most`, a multiple of `multiple`."""
    span = f"from {least} to {most}" if isfinite(most) else f"of at least {least}"
    hint = f"give a whole number {span}" + (f" that {multiple} divides" if multiple > 1 else "")

    def check(value: Any) -> str | None:
        right = isinstance(value, Integral) and not isinstance(value, bool)
        return None if right and least <= value <= most and value % multiple == 0 else hint

    return check


def number(least: float = -inf, most: float = inf, above: float = -inf) -> Kind:
    """A number from `least` to `most`, and above `above`."""
    span = f" from {least:g} to {most:g}" if isfinite(most) else ""
    span = span or (f" above {above:g}" if isfinite(above) else f" of at least {least:g}" if isfinite(least) else "")

    def check(value: Any) -> str | None:
        return None if _is_number(value) and least <= value <= most and value > above else f"give a number{span}"

    return check


def several(count: int, kind: Kind, what: str) -> Kind:
    """A list of `count` values of a kind."""

    def check(value: Any) -> str | None:
        right = isinstance(value, Sequence) and not isinstance(value, str) and len(value) == count
        return None if right and not any(kind(part) for part in value) else f"give {what}"

    return check


def optional(kind: Kind) -> Kind:
    """What a kind takes, or None."""
    return lambda value: None if value is None else kind(value)


def one_of(choices: Sequence[str]) -> Kind:
    """One of some names."""
    return lambda value: None if value in choices else f"choose one of {', '.join(choices)}"


def some_of(choices: Sequence[str]) -> Kind:
    """Names in a list, or joined by commas, in any case."""

    def check(value: Any) -> str | None:
        right = isinstance(value, (str, list, tuple)) and all(isinstance(part, str) for part in value)
        try:
            selected(value if right else (), choices, "")
        except InputError:
            return f"choose from {', '.join(choices)}"
        return None

    return check


def structures(value: Any) -> str | None:
    """Structures, or all of them."""
    right = isinstance(value, (str, list, tuple)) and all(isinstance(part, str) for part in value)
    try:
        wanted_structures(value if right else ())
    except InputError:
        return f"choose from {', '.join(STRUCTURES)}, or {ALL}"
    return None


def mesh_formats(value: Any) -> str | None:
    """Formats that meshes are written in."""
    from ..inference.writing.mesh_files import ENCODERS  # only here: training gets along without all of inference

    return some_of(tuple(ENCODERS))(value)


def boolean(value: Any) -> str | None:
    """True or False."""
    return None if isinstance(value, bool) else "choose True or False"


def viewer(value: Any) -> str | None:
    """True or False; True where the viewer is installed."""
    if value is not True:
        return boolean(value)
    from ..viewer import find_viewer  # only here, as above

    try:
        find_viewer()
    except InputError as error:
        return str(error)
    return None


def path(value: Any) -> str | None:
    """A path, there or not."""
    return None if isinstance(value, (str, PathLike)) else "give a path; one that could be a number as ./20240220"


def paths(value: Any) -> str | None:
    """A path, or a list of paths."""
    parts = value if isinstance(value, (list, tuple)) else [value]
    return next((hint for part in parts if (hint := path(part))), None)


def weights(value: Any) -> str | None:
    """A file of weights that can be read without running anything in it."""
    if (hint := path(value)) is not None:
        return hint
    try:
        check_file(value)
    except InputError as error:
        return str(error)
    return None


def onnx_file(value: Any) -> str | None:
    """A path of an ONNX file to come."""
    return path(value) or (None if Path(value).suffix == ".onnx" else "give a name that ends in .onnx")


def device(value: Any) -> str | None:
    """The CPU, or a CUDA device that is there."""
    try:
        asked = torch.device(value)
    except (RuntimeError, TypeError):
        return "choose cpu, cuda, or one of several as cuda:1"
    if asked.type == "cpu":
        return None
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if asked.type != "cuda":
        return "choose cpu or cuda"
    if not there:
        return "no CUDA device is here; choose cpu"
    return None if (asked.index or 0) < there else f"here are cuda:0 to cuda:{there - 1}"


def window(value: Any) -> str | None:
    """Two numbers, the lower first."""
    hint = several(2, number(), "two numbers of HU, the lower first")(value)
    return hint or (None if value[0] < value[1] else "give the lower number first")


def series_uid(value: Any) -> str | None:
    """A DICOM UID (PS3.5, 9.1)."""
    right = isinstance(value, str) and len(value) <= 64 and re.fullmatch(r"[\d.]+", value)
    return None if right else "give a SeriesInstanceUID, of digits and dots"


def augmentations(value: Any) -> str | None:
    """A list of shifts in whole voxels with a contrast each."""
    hint = 'give a list of {"shift": [x, y, z], "contrast": factor}, or []'
    if not isinstance(value, Sequence) or isinstance(value, str):
        return hint
    shift, contrast = several(3, whole(-64, 64), ""), number(above=0)
    for part in value:
        if not isinstance(part, Mapping) or set(part) != {"shift", "contrast"}:
            return hint
        if shift(part["shift"]) or contrast(part["contrast"]):
            return hint
    return None


def label_values(value: Any) -> str | None:
    """Values of label maps to classes."""
    right = isinstance(value, Mapping) and len(value) > 0
    right = right and all(re.fullmatch(r"-?\d+", str(key)) for key in value)
    right = right and not any(whole(0, len(STRUCTURES))(target) for target in value.values())
    classes = ", ".join(f"{index} {name}" for index, name in enumerate(STRUCTURES, start=1))
    return None if right else f"""give "{{'420': 1, '500': 2, '600': 0}}", of whole values to 0 background, {classes}"""


def supervision(value: Any) -> str | None:
    """A name, or an object of the config."""
    return one_of(SUPERVISIONS)(value) if isinstance(value, (str, Real)) or value is None else None


KINDS: dict[str, Kind] = {
    # what is read
    "input": paths,
    "dataset_dir": optional(path),
    "data_list": optional(path),
    "data_list_key": path,
    "series_uid": optional(series_uid),
    "phase": optional(lambda value: None if isinstance(value, str) else number()(value)),
    "hu_offset": number(),
    "centre": optional(several(3, number(), "three numbers, RAS mm")),
    "body_surface": optional(number(0.1, 4)),
    "label_values": label_values,
    # what is written
    "output_dir": path,
    "cache_dir": path,
    "exported": onnx_file,
    "structures": structures,
    "formats": mesh_formats,
    "dicom_output": boolean,
    "viewer": viewer,
    "skip_existing": boolean,
    "overwrite": boolean,
    "force": boolean,
    "submission": boolean,
    # how surfaces are made
    "test_time_augmentation": augmentations,
    "fairing": whole(0),
    "subdivision": whole(0, MOST_TIMES),
    "boundary_snapping": number(0, 1),
    "valve_snapping": number(0, 1),
    "edge_snapping": number(0, 1),
    "volume_size": whole(COARSEST_STRIDE, multiple=COARSEST_STRIDE),
    "crop_mm": number(above=0),
    "spacing": number(above=0),
    "window": window,
    "device": device,
    "amp": boolean,
    "checkpoint": weights,
    "locator_checkpoint": weights,
    "directions_checkpoint": weights,
    "edges_checkpoint": weights,
    "mitral_checkpoint": weights,
    "aortic_checkpoint": weights,
    "even_triangles": whole(0),
    "template_checkpoint": optional(weights),
    "parts_checkpoint": weights,
    "error_checkpoint": optional(weights),
    # training
    "initial_weights": optional(weights),
    "resume": optional(weights),
    "supervision": supervision,
    "representation_interval": whole(1),
    "epochs": whole(1),
    "steps_per_epoch": whole(1),
    "max_steps": optional(whole(1)),
    "max_seconds": optional(number(above=0)),
    "patience": optional(whole(1)),
    "segmentation_epochs": whole(0),
    "batch_size": whole(1),
    "learning_rate": number(0),
    "end_learning_rate": number(0),
    "weight_decay": number(0),
    "warmup_steps": whole(0),
    "gradient_norm": number(above=0),
    "num_workers": whole(0),
    "threads": whole(1),
    "seed": whole(0, 2**32 - 1),
    "val_interval": whole(1),
    "train_count": whole(1),
    "validation_count": whole(1),
    "generated_count": whole(1),
    "generated_first_seed": whole(0),
    "generated_moments": number(0, 1),
    # generated patients
    "first_seed": whole(0),
    "count": whole(1),
    "phases": optional(whole(1, 100)),
    "lost_phases": whole(0, 98),
    "closed_leaflets": boolean,
    "regions": boolean,
    "contact_sheet": boolean,
    "shape": optional(several(3, whole(2), "three whole numbers of voxels")),
    # volume meshes
    "openings": one_of(("closed", "open")),
    "edge_mm": number(above=0),
    "tolerance_mm": number(above=0),
    "energy": number(above=3),
    "least_angle": number(0, 60),
    "volume_error": number(0, 1),
}
