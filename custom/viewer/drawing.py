"""NiiVue, which draws the page: where it lies, how it is set, and the files that it reads."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import nibabel
import numpy as np
from isal import igzip

from ..inputs import InputError
from ..mesh import Mesh

OPTIONS = {
    "sliceType": 3,  # three planes
    "multiplanarLayout": 2,  # in a grid, with the surfaces
    "multiplanarShowRender": 1,
    "multiplanarPadPixels": 8,
    "tileMargin": 48,  # pixels, of both sides together: the titles stand there
    "fontMinPx": 17,
    "fontColor": [0.15, 0.7, 0.3, 1],  # of the letters, to be read on black and on white
    "isRadiologicalConvention": True,  # the patient's right on the left
    "sagittalNoseLeft": True,
    "meshThicknessOn2D": 0.2,  # mm
    "show3Dcrosshair": False,
    "crosshairWidth": 0.5,
    "crosshairGap": 14,
    "crosshairColor": [0.9, 0.8, 0.2, 0.7],
    "showAllOrientationMarkers": True,
    "isOrientCube": True,
    "backColor": [0, 0, 0, 1],
    "dragMode": 3,  # of the right button: pan
}
"""Of NiiVue."""
SCENE = {
    "renderAzimuth": 120,
    "renderElevation": 15,
    "clipPlaneDepthAziElevs": [[-1.8, 0, 0]],  # all of the CT is cut away, which would hide the surfaces
    "clipPlanes": [[0, 0, 0, -1.8]],
}
"""NiiVue's, of the surfaces in 3D."""
_LIBRARY, VERSION = "ipyniivue", "2.4.4"
"""What draws; the page speaks to it by the names of its traits, which another minor version may have changed."""


def find_viewer() -> Path:
    """The installed NiiVue as a JavaScript module; raises InputError where there is none that pages are made for."""
    try:
        found = distribution(_LIBRARY)
    except PackageNotFoundError:
        found = None
    if found is None or found.version.split(".")[:2] != VERSION.split(".")[:2]:
        instead = "" if found is None else f" and not {found.version}"
        raise InputError(
            f"the page needs the package {_LIBRARY} {VERSION}{instead}: `pip install {_LIBRARY}=={VERSION}`, or set "
            "`viewer` to False"
        )
    return Path(found.locate_file(f"{_LIBRARY}/static/widget.js"))


def installed() -> bool:
    """Whether pages can be made here."""
    try:
        find_viewer()
    except InputError:
        return False
    return True


@cache
def packed_viewer(path: Path) -> str:
    """NiiVue as `pack` gives it."""
    return pack(path.read_bytes())


def pack(content: bytes) -> str:
    """Content as text of the page: gzip in base64."""
    return base64.b64encode(igzip.compress(content, compresslevel=2, mtime=0)).decode()


def encode_ct(moments: Sequence[np.ndarray], affine: np.ndarray, window: Sequence[float]) -> bytes:
    """The crop in HU at one or several moments as NIfTI, of 8 bits a voxel: steps of 4 HU in a window of 1000.

    Args:
        moments: each (D0, D1, D2) in [-1, 1].
        affine: (4, 4), voxels to RAS mm.
        window: HU that are -1 and +1.
    """
    low, high = window
    stored = np.rint((np.clip(np.stack(moments, axis=-1), -1, 1) + 1) * 127.5).astype(np.uint8)
    nifti = nibabel.Nifti1Image(stored[..., 0] if len(moments) == 1 else stored, affine)
    nifti.set_sform(affine, "scanner")
    nifti.header.set_slope_inter((high - low) / 255, low)
    nifti.header.set_xyzt_units("mm")
    return nifti.to_bytes()


def encode_mz3(mesh: Mesh) -> bytes:
    """MZ3, NiiVue's own format: magic number, contents, counts of faces and vertices, bytes to skip; RAS mm."""
    head = np.array([0x5A4D, 1 | 2], "<u2").tobytes()
    head += np.array([len(mesh.faces), len(mesh.vertices), 0], "<u4").tobytes()
    return head + mesh.faces.astype("<u4").tobytes() + mesh.vertices.astype("<f4").tobytes()
