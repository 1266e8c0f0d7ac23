"""Volumes as files: VTU in mm, openCARP in micrometres, both in LPS, and what is to be known of them as JSON.

openCARP's formats (user manual, "File formats"): ``.pts`` points in micrometres; ``.elem`` cells, `Tt` a tetrahedron,
each with the tag of its region; ``.lon`` a fibre's direction a cell; ``.surf`` triangles, ``.vtx`` points. All begin
with how many there are, and count from 0.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path

import meshio
import numpy as np

from ..frames import ras_to_file
from .domains import Domain

MICROMETRES = 1e3
"""In a mm."""
NO_FIBRE, ALONG_X = "0 0 0", "1 0 0"
"""Of blood, which is what openCARP calls a bath; of muscle whose fibres nobody has told."""


def encode_vtu(stem: str, domain: Domain, shown: Iterable[str]) -> dict[str, bytes]:
    """One file by its name: tetrahedra, and the triangles of the boundaries that are `shown`.

    Cells have an integer `region`, values of the regions that surfaces have, and one array a boundary, under its name,
    1 on its triangles and 0 elsewhere.
    """
    shown, cells = list(shown), domain.volume.cells
    kept = np.isin(domain.boundaries, [domain.names.index(name) for name in shown])
    triangles, places = domain.triangles[kept], domain.boundaries[kept]
    arrays = {"region": [domain.regions, domain.of_triangles[kept]]}
    for name in shown:
        own = (places == domain.names.index(name)).astype(np.int8)
        arrays[name] = [np.zeros(len(cells), dtype=np.int8), own]
    mesh = meshio.Mesh(ras_to_file(domain.volume.points), [("tetra", cells), ("triangle", triangles)], cell_data=arrays)
    with tempfile.TemporaryDirectory() as folder:  # meshio writes VTU to a path only
        path = Path(folder, f"{stem}.vtu")
        meshio.write(path, mesh)
        return {path.name: path.read_bytes()}


def encode_opencarp(stem: str, domain: Domain, shown: Iterable[str]) -> dict[str, bytes]:
    """The files of a mesh by their names: points, cells, fibres; and of each boundary that is `shown` its triangles and
    points."""
    points = ras_to_file(domain.volume.points) * MICROMETRES
    fibre = ALONG_X if domain.muscle else NO_FIBRE
    files = {
        f"{stem}.pts": _lines([f"{len(points)}", *(f"{x:.3f} {y:.3f} {z:.3f}" for x, y, z in points.tolist())]),
        f"{stem}.elem": _counted(
            f"Tt {a} {b} {c} {d} {tag}"
            for (a, b, c, d), tag in zip(domain.volume.cells.tolist(), domain.regions.tolist(), strict=True)
        ),
        f"{stem}.lon": _lines(["1", *[fibre] * len(domain.volume.cells)]),
    }
    for name in shown:
        triangles = domain.triangles[domain.boundaries == domain.names.index(name)]
        corners = np.unique(triangles)
        files[f"{stem}_{name}.surf"] = _counted(f"Tr {a} {b} {c}" for a, b, c in triangles.tolist())
        files[f"{stem}_{name}.vtx"] = _lines([f"{len(corners)}", "extra", *map(str, corners.tolist())])
    return files


ENCODERS = {"vtu": encode_vtu, "opencarp": encode_opencarp}


def encode_summary(summary: dict) -> bytes:
    """What is to be known of a volume, as JSON."""
    return json.dumps(summary, indent=1).encode()


def _counted(lines: Iterable[str]) -> bytes:
    listed = list(lines)
    return _lines([f"{len(listed)}", *listed])


def _lines(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode("ascii")
