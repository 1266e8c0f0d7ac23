"""What a case is on its way through the transforms: one dictionary, as MONAI has it, of typed entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, NotRequired, TypedDict

import numpy as np
from monai.data import MetaTensor
from torch import Tensor

from ..anatomy import Anatomy
from ..anatomy.planes import Plane
from ..label_map import LabelMap
from ..mesh import Mesh
from ..profiles import Scan


class Grid(NamedTuple):
    """A voxel grid in the patient: (D0, D1, D2) and voxel-to-RAS affine (4, 4), mm."""

    shape: tuple[int, ...]
    affine: np.ndarray


def seen_grids(image: MetaTensor) -> tuple[Grid, Grid]:
    """The grids beyond which nothing was seen: that of a crop (1, D0, D1, D2), and that of the CT it was made of."""
    shape = tuple(int(size) for size in image.meta["spatial_shape"])
    whole = Grid(shape, np.asarray(image.meta["original_affine"], dtype=np.float64))
    return Grid(tuple(image.shape[1:]), np.asarray(image.affine)), whole


class Reading(TypedDict):
    """What was noticed before the network saw the image."""

    series: dict[str, Any] | None
    """The chosen DICOM series; None for other files."""
    warnings: dict[str, str]
    """Outcome to sentence."""
    forced: list[str]
    """Outcomes that `force` has made of refusals."""
    body_surface_m2: float | None
    """Of the patient, where it is known."""
    heart: NotRequired[dict[str, Any]]
    """Where the heart was found, for the report."""
    directions: NotRequired[dict[str, Any]]
    """How the anatomy looks: `upright` and `confused`."""


class Record(TypedDict, total=False):
    """A case; each step adds its entries.

    Discovery: `image_file`, `name`, `folder`. Instead of the rest, a case that cannot be had holds `error` and
    `outcome`, and one that an earlier run has done holds `earlier`, its report.
    """

    image_file: str
    name: str
    folder: str
    error: str
    outcome: str
    earlier: dict[str, Any]

    image: MetaTensor
    """`LoadCTd`: the CT (1, D0, D1, D2) in HU. From `CropAroundd` on, the crop, at last windowed to [-1, 1]."""
    reading: Reading
    places: list[tuple[str, int]]
    """`LoadCTd`: of each DICOM slice its file, from the folder of what `opened` gives, and its frame. No report or log
    may hold it."""
    seconds: dict[str, float]
    """Wall-clock time of each part of the way."""
    centre: np.ndarray
    """`LocateHeartd`, or a second look: (3,) RAS mm, of the crop to come; `CropAroundd` takes it away."""

    scan: Scan
    """`CropAroundd`: the CT's own voxels in the crop. The phases of a beat, whose scans are all held at once, have
    means of blocks instead where voxels are small."""

    phases: list[Record]
    """`PhasesOfBeatd`, for a heart beat: its phases, each a record from `image` on, in the order of their percentages.
    The case itself has `seconds`, `report` and what discovery gave it."""
    percent: float
    """Of the cardiac cycle, of a phase."""
    largest_ml: dict[str, float]
    """`SmoothMotiond`, of a phase: each structure's largest volume of all phases."""
    middle: np.ndarray
    """What was the `centre` of a phase's crop."""

    pred: Tensor
    """The inferer: vertices (S, V, 3), normalised, of `SurfaceInferer`; probabilities of `MaskInferer`."""
    faces: Tensor
    """(S, F, 3) int64."""
    segmentation: Tensor
    """(1, d0, d1, d2) uint8, on a grid that begins with the crop's and is as fine or coarser."""
    pulled_back: Tensor
    """(S, V) mm that each vertex was moved as an outlier."""
    varied: Tensor
    """(N, S, V, 3): the vertices of N passes of test-time augmentation."""

    meshes: list[Mesh]
    varied_meshes: list[list[Mesh]]
    withdrawn: dict[str, dict[str, float]]
    """Per structure, how many `vertices` were outliers and the `furthest_mm` that one was moved."""
    annuli: Mapping[str, Plane]
    """`SnapToValvesd`: of the mitral and the aortic annulus, by the landmarks' names, those that the `scan` shows."""
    untangled: dict[str, dict[str, float]]
    """Likewise of what `UntangleMeshesd` moved."""
    free: bool
    """`UntangleMeshesd`: whether no faces of the meshes meet, of one or of two. What moves them afterwards calls it
    once more."""
    edges: dict[str, Any]
    """`FindEdgesd`, where there is a `scan`: per structure the `Edges` that it shows round the mesh."""
    expected: dict[str, dict[str, float]]
    """`ExpectErrord`: per structure what the errors that are expected of its vertices say of it, for the report."""
    structures: dict[str, dict[str, Any]]
    """`AssessMeshesd`: per structure all that the report says of it, not rounded yet."""
    anatomy: Anatomy
    """`FindAnatomyd`: landmarks and measurements; the regions are in the meshes, too."""
    own_label_map: LabelMap
    """`MeshesToLabelMapd`: on the input's own voxels."""
    label_map: LabelMap
    label_grid: Grid
    """The label map on a grid of perpendicular axes: the input's own, but where its axes are sheared."""
    report: dict[str, Any]


def single(records: Sequence[Record]) -> Record:
    """The batch of one case: the record itself. For a data loader, as `collate_fn`."""
    (record,) = records
    return record
