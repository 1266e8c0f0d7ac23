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
    "ok": ("no alarm", "Nothing raised an alarm, which does not make it right: compare the outlines with the images."),
    "check": ("check", "Something is doubtful: compare the outlines with the images before you use it."),
    "do not use": ("do not use", "The surface is probably wrong."),
}
"""What is said instead of the report's words, and in full."""
OF_THE_IMAGE = ("forced", "directions")
"""Reasons that doubt the image, and thus all its chambers."""
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
                forced=_forced(report),
                stamp=_stamp(report["forced"], measured),
                doubted=_doubted(measured),
                heading="What the program found" if _usable(measured) else "Not a result",
                chambers="\n".join(_chamber(name, values) for name, values in measured.items()),
                warnings=_warnings(report, measured),
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


def _refusals(report: Mapping[str, Any]) -> dict[str, str]:
    """The sentences of what was forced, by their names; the report begins with those of the image, in one order."""
    sentences = dict(zip(report["outcomes"], report["warnings"], strict=False))
    return {name: sentences[name] for name in report["forced"]}


def _forced(report: Mapping[str, Any]) -> str:
    refusals = "; ".join(
        f"{escape(sentence.removesuffix(' (forced)'))} <small>({escape(name)})</small>"
        for name, sentence in _refusals(report).items()
    )
    if not refusals:
        return ""
    return (
        f'<p class="forced">FORCED: the program refused this image and was told to go on all the same: {refusals}</p>'
    )


def _usable(measured: Mapping[str, Measured]) -> bool:
    return any(values.trust != "do not use" for values in measured.values())


def _stamp(forced: Sequence[str], measured: Mapping[str, Measured]) -> str:
    """What stands on the pictures where they would look better than they are."""
    rejected = [CHAMBERS[name].title for name, values in measured.items() if values.trust == "do not use"]
    lines = ["FORCED: refused by the program"] if forced else []
    if rejected:
        lines.insert(0, f"{escape(', '.join(rejected))}: not to be used" if _usable(measured) else "Not to be used")
    return f'<p class="stamp">{"<br>".join(lines)}</p>' if lines else ""


def _doubted(measured: Mapping[str, Measured]) -> str:
    if not any("directions" in values.phrases for values in measured.values()):
        return ""
    return (
        '<p class="doubted">? The image may be turned or mirrored: letters and titles of the pictures are doubtful.</p>'
    )


def _chamber(name: str, values: Measured) -> str:
    chamber = CHAMBERS[name]
    number = "no volume" if values.volume_ml is None else f"{values.volume_ml:.1f} mL"
    word, meaning = TRUST[values.trust]
    reasons = _listed([phrase for reason, phrase in values.phrases.items() if reason not in OF_THE_IMAGE])
    return f"""<article class="chamber" id="chamber-{name}">
<h3>{escape(chamber.title)} ({name}) <label><input type="checkbox" id="show-{name}" checked> Show</label></h3>
<p class="number">{number}</p>
<p><span class="trust" data-trust="{values.trust}">{word}</span> {meaning}</p>
{reasons}
<p class="definition">Measured: {escape(chamber.plainly)}.</p>
</article>"""


def _warnings(report: Mapping[str, Any], measured: Mapping[str, Measured]) -> str:
    """What is not of one chamber, and does not stand above the pictures, once."""
    told = {*(values.reasons for values in measured.values()), *_refusals(report).values()}
    texts = [text for text in report["warnings"] if text not in told]
    for values in measured.values():
        texts += [values.phrases[reason] for reason in OF_THE_IMAGE if reason in values.phrases]
    listed = _listed(list(dict.fromkeys(texts)))
    return f"<h2>Of the whole image</h2>\n{listed}" if listed else ""


def _listed(texts: Sequence[str]) -> str:
    return "<ul>\n" + "\n".join(f"<li>{escape(text)}</li>" for text in texts) + "\n</ul>" if texts else ""


def _about(report: Mapping[str, Any]) -> str:
    shape, spacing = report["input"]["shape"], report["input"]["spacing_mm"]
    facts = {
        "Program": f"cardiac-chamber-meshes {report['versions']['bundle']}",
        "CT": f"{' × '.join(map(str, shape))} voxels of {' × '.join(f'{size:.2f}' for size in spacing)} mm",
        "Weights (SHA-256)": report["weights_sha256"],
    }
    listed = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in facts.items())
    return f"<details><summary>About the program and the CT</summary><dl>{listed}</dl></details>"
