"""Label maps of a beat as a sequence that 3D Slicer plays: its volume sequence format, `.seq.nrrd`.

The format: slicer.readthedocs.io, developer guide, Sequences; NRRD itself: teem.sourceforge.net/nrrd/format.html.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...frames import ras_to_lps
from ..record import Grid
from .files import gzip_packer


def encode_sequence(label_maps: Sequence[np.ndarray], percents: Sequence[float], grid: Grid, remark: str = "") -> bytes:
    """Label maps (D0, D1, D2) uint8 of a beat, at `percents` of the cycle, on one grid of perpendicular axes.

    The list axis comes first, as all versions of 3D Slicer read it; `remark` is the file's content, in NRRD's words.
    """
    directions = ras_to_lps(grid.affine[:3, :3].T)
    header = {
        "type": "uint8",
        "dimension": "4",
        "space": "left-posterior-superior",
        "sizes": " ".join(str(size) for size in (len(label_maps), *grid.shape)),
        "space directions": " ".join(["none", *(_vector(direction) for direction in directions)]),
        "kinds": "list domain domain domain",
        "labels": '"percent of the cardiac cycle" "" "" ""',
        "space units": '"mm" "mm" "mm"',
        "space origin": _vector(ras_to_lps(grid.affine[:3, 3])),
        "encoding": "gzip",
        **({"content": remark} if remark else {}),
    }
    pairs = {
        "DataNodeClassName": "vtkMRMLLabelMapVolumeNode",
        "axis 0 index type": "numeric",
        "axis 0 index values": " ".join(f"{percent:g}" for percent in percents),
    }
    lines = ["NRRD0005", *(f"{key}: {value}" for key, value in header.items())]
    lines += [f"{key}:={value}" for key, value in pairs.items()]
    packer = gzip_packer()
    packed = packer.compress(np.stack(label_maps).astype(np.uint8, copy=False).tobytes(order="F"))
    return b"".join([*(f"{line}\n".encode() for line in lines), b"\n", packed, packer.flush()])


def _vector(values: np.ndarray) -> str:
    return f"({','.join(repr(float(value)) for value in values)})"
