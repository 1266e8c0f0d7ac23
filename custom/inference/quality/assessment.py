"""What the report says of each chamber's surface: measured, then judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from monai.transforms import Transform

from ...anatomy.wall import wall_between
from ...chambers import CHAMBERS
from ...mesh import Mesh
from ...metrics import dice
from ...runtime.threads import side_by_side
from ...runtime.timing import timed
from ..record import Grid, Record, seen_grids
from .checks import check_mesh, contrast, is_cut, missed_ml, seen_and_inside, voxels_inside
from .doubt import assess, usable
from .edges import edge_distance
from .vertex_errors import REACHES

NO_EDGES = {"edge_mm": None, "edge_share": None}
"""Where there is no `scan`."""
NOT_EXPECTED = {**dict.fromkeys(REACHES), "expected_dice": None}
"""Where no varied image was seen."""


class AssessMeshesd(Transform):
    """The record's `meshes` to its `structures`: per chamber all that the report says of it, not rounded yet.

    Of `varied_meshes`, `edges`, what is `expected`, and what was `withdrawn` and `untangled` it takes what there is:
    baselines have none; and of `largest_ml`, which only phases of a beat have.

    Args:
        window: HU that are -1 and +1 in the crop.
    """

    def __init__(self, window: Sequence[float]) -> None:
        self.low, self.high = window

    def __call__(self, data: Record) -> Record:
        record = data.copy()
        with timed(record["seconds"], "quality"):
            image, meshes = record["image"], record["meshes"]
            crop, _ = seen_grids(image)
            hounsfield = self.low + (image.as_tensor()[0].cpu().numpy() + 1) / 2 * (self.high - self.low)
            inside = side_by_side([partial(voxels_inside, mesh, crop) for mesh in meshes])
            found = side_by_side(
                [partial(_checks, record, place, crop, hounsfield, inside) for place in range(len(meshes))]
            )
            beyond = {"forced": len(record["reading"]["forced"])}
            beat = record.get("largest_ml", {})
            structures = {
                mesh.name: {
                    "definition": CHAMBERS[mesh.name].definition,
                    **checks,
                    **assess(mesh.name, {**checks, **beyond, "largest_ml": beat.get(mesh.name, 0.0)}),
                }
                for mesh, checks in zip(meshes, found, strict=True)
            }
            record["structures"] = withhold(structures)
        return record


def withhold(structures: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The report's `structures` without what a surface that is not to be used says: the shares of `REACHES`, and the
    mass and thickness of a wall of which it is a side."""
    told = {}
    for name, checks in structures.items():
        sides, hidden = (checks, structures.get(CHAMBERS[name].around, checks)), {}
        if not usable(checks):
            hidden |= dict.fromkeys(REACHES)
        if "mass_g" in checks and not all(usable(side) for side in sides):
            hidden |= {"mass_g": None, "thickness_mm": {"mean": None, "largest": None}}
        told[name] = {**checks, **hidden}
    return told


def _checks(
    record: Record, place: int, crop: Grid, hounsfield: np.ndarray, inside: Sequence[np.ndarray]
) -> dict[str, Any]:
    """What is measured of one of the meshes.

    Args:
        record: the case.
        place: of the mesh among them.
        crop: the network's image.
        hounsfield: (D0, D1, D2), its values.
        inside: (D0, D1, D2) bool, its voxels in each mesh.
    """
    mesh, image = record["meshes"][place], record["image"]
    names = [each.name for each in record["meshes"]]
    inner = CHAMBERS[mesh.name].around
    blood = place if inner not in names else names.index(inner)  # a muscle's contrast is that of the blood in it
    seen, within, level = seen_and_inside(record, mesh)
    varied = [voxels_inside(others[place], crop) for others in record.get("varied_meshes", ())]
    return {
        **check_mesh(mesh, record.get("free", False)),
        **(wall_between(mesh, record["meshes"][blood]) if blood != place else {}),
        "withdrawn": record.get("withdrawn", {}).get(mesh.name),
        "untangled": record.get("untangled", {}).get(mesh.name),
        "agreement": dice(within, seen),
        "missed_ml": missed_ml(seen, within, level),
        "stability": min((dice(inside[place], other) for other in varied), default=None),
        **contrast(hounsfield, inside[blood], _others(record["meshes"], inside, blood), crop),
        **(edge_distance(mesh, record["meshes"], record["edges"][mesh.name]) if "edges" in record else NO_EDGES),
        **record.get("expected", {}).get(mesh.name, NOT_EXPECTED),
        "cut": float(is_cut(mesh.vertices, seen_grids(image)).mean()),
        **record["reading"]["directions"],
    }


def _others(meshes: Sequence[Mesh], inside: Sequence[np.ndarray], place: int) -> np.ndarray:
    """(D0, D1, D2) bool, voxels of all surfaces but of those that lie around the one at `place`."""
    name = meshes[place].name
    others = [voxels for mesh, voxels in zip(meshes, inside, strict=True) if CHAMBERS[mesh.name].around != name]
    return np.any(others, axis=0)
