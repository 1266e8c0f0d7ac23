"""One HTML file that shows a case in any current browser, without a network."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from string import Template
from typing import Any

import nibabel
import numpy as np
from isal import igzip
from matplotlib.colors import to_rgb
from monai.data import MetaTensor

from ..chambers import CHAMBERS
from ..inputs import InputError
from ..measured import Measured
from ..mesh import Mesh
from ..text import RESEARCH_ONLY

WINDOWS = {"Angiography": (-100.0, 500.0), "Soft tissue": (-160.0, 240.0)}
"""HU that are black and white, by the names of the buttons; the crop's own window follows."""
TRUST = {
    "ok": "Nothing looked wrong; that does not mean that the surface is right.",
    "check": "Something is doubtful: look at the contours before you use it.",
    "do not use": "The surface is probably wrong.",
}
"""What the words say, in full."""
OPTIONS = {
    "sliceType": 3,  # three planes
    "multiplanarLayout": 2,  # in a grid, with the surfaces
    "multiplanarShowRender": 1,
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
    "volScaleMultiplier": 1.6,
    "renderAzimuth": 120,
    "renderElevation": 15,
    "clipPlaneDepthAziElevs": [[-1.8, 0, 0]],  # all of the CT is cut away, which would hide the surfaces
    "clipPlanes": [[0, 0, 0, -1.8]],
}
"""NiiVue's, of the surfaces in 3D."""
_FOLDER = Path(__file__).parent
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


class Page:
    """Makes the page of a case.

    Args:
        window: HU that are -1 and +1 in the crop.
    """

    def __init__(self, window: Sequence[float]) -> None:
        self.low, self.high = window

    def __call__(
        self, image: MetaTensor, meshes: Sequence[Mesh], report: Mapping[str, Any], measured: Mapping[str, Measured]
    ) -> bytes:
        """The page, UTF-8.

        Args:
            image: the crop (1, D0, D1, D2) in [-1, 1], axes running right, anterior and superior, with its affine.
            meshes: in RAS mm.
            report: the case's.
            measured: what is told of each mesh.

        Raises InputError where NiiVue is not installed.
        """
        values, affine = image.as_tensor()[0].cpu().numpy(), np.asarray(image.affine)
        template, script, style = (
            _FOLDER.joinpath(f"page.{kind}").read_text(encoding="utf-8") for kind in ("html", "js", "css")
        )
        vertices = np.concatenate([mesh.vertices for mesh in meshes])
        shown = {
            "shape": values.shape,
            "origin": affine[:3, 3].tolist(),
            "spacing": float(affine[0, 0]),
            "centre": ((vertices.min(axis=0) + vertices.max(axis=0)) / 2).tolist(),
            "windows": {**WINDOWS, "All": (self.low, self.high)},
            "options": OPTIONS,
            "scene": SCENE,
            "surfaces": {
                mesh.name: {
                    "rgba": [*(round(255 * part) for part in to_rgb(CHAMBERS[mesh.name].colour)), 255],
                    "volume_ml": measured[mesh.name].volume_ml,
                }
                for mesh in meshes
            },
        }
        surfaces = (
            f'<script type="text/plain" id="surface-{mesh.name}">{_pack(_encode_mz3(mesh))}</script>' for mesh in meshes
        )
        return (
            Template(template)
            .substitute(
                policy=_policy(script, style),
                title=escape(f"{report['case']}: heart chambers"),
                name=escape(report["case"]),
                use=escape(RESEARCH_ONLY),
                forced=_forced(report["forced"]),
                chambers="\n".join(_chamber(name, values) for name, values in measured.items()),
                warnings=_warnings(report["warnings"], measured),
                about=_about(report),
                case=_pack(json.dumps(shown).encode()),
                ct=_pack(self._encode_ct(values, affine)),
                surfaces="\n".join(surfaces),
                niivue=_packed_viewer(find_viewer()),
                script=script,
                style=style,
            )
            .encode()
        )

    def _encode_ct(self, values: np.ndarray, affine: np.ndarray) -> bytes:
        """The crop in HU as NIfTI, of 8 bits a voxel: steps of 4 HU in a window of 1000."""
        stored = np.rint((np.clip(values, -1, 1) + 1) * 127.5).astype(np.uint8)
        nifti = nibabel.Nifti1Image(stored, affine)
        nifti.set_sform(affine, "scanner")
        nifti.header.set_slope_inter((self.high - self.low) / 255, self.low)
        nifti.header.set_xyzt_units("mm")
        return nifti.to_bytes()


def _encode_mz3(mesh: Mesh) -> bytes:
    """MZ3, NiiVue's own format: magic number, contents, counts of faces and vertices, bytes to skip; RAS mm."""
    head = np.array([0x5A4D, 1 | 2], "<u2").tobytes()
    head += np.array([len(mesh.faces), len(mesh.vertices), 0], "<u4").tobytes()
    return head + mesh.faces.astype("<u4").tobytes() + mesh.vertices.astype("<f4").tobytes()


def _pack(content: bytes) -> str:
    return base64.b64encode(igzip.compress(content, compresslevel=2, mtime=0)).decode()


@cache
def _packed_viewer(path: Path) -> str:
    return _pack(path.read_bytes())


def _policy(script: str, style: str) -> str:
    """The page may run what stands in it, and ask the network for nothing."""
    script_hash, style_hash = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, style)
    )
    return (
        f"default-src 'none'; script-src 'sha256-{script_hash}' blob:; style-src 'sha256-{style_hash}'; "
        "img-src data: blob:; connect-src data: blob:"
    )


def _forced(names: Sequence[str]) -> str:
    if not names:
        return ""
    refused = escape(", ".join(names))
    return (
        f'<p class="forced">FORCED: the program refused this image ({refused}) and was told to go on all the same</p>'
    )


def _chamber(name: str, values: Measured) -> str:
    chamber = CHAMBERS[name]
    number = "no volume" if values.volume_ml is None else f"{values.volume_ml:.1f} mL"
    reasons = "" if values.reasons is None else f"<p>{escape(values.reasons)}</p>\n"
    return f"""<article class="chamber" id="chamber-{name}">
<h3><label><input type="checkbox" id="show-{name}" checked> {escape(chamber.title)} ({name})</label></h3>
<p class="number">{number}</p>
<p><span class="trust" data-trust="{values.trust}">{values.trust}</span> {TRUST[values.trust]}</p>
{reasons}<p class="definition">The surface encloses the {escape(chamber.definition)}.</p>
</article>"""


def _warnings(warnings: Sequence[str], measured: Mapping[str, Measured]) -> str:
    """Those that are not of one chamber."""
    of_chambers = {values.reasons for values in measured.values()}
    listed = "\n".join(f"<li>{escape(text)}</li>" for text in warnings if text not in of_chambers)
    return f"<h2>What to know of the image</h2>\n<ul>\n{listed}\n</ul>" if listed else ""


def _about(report: Mapping[str, Any]) -> str:
    facts = {
        "Program": f"cardiac-chamber-meshes {report['versions']['bundle']}",
        "Weights (SHA-256)": report["weights_sha256"][:16],
        "CT": f"{' × '.join(map(str, report['input']['shape']))} voxels of "
        f"{' × '.join(f'{size:.2f}' for size in report['input']['spacing_mm'])} mm",
    }
    return "<dl>" + "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in facts.items()) + "</dl>"
