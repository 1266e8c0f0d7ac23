"""One HTML file that shows a case in any current browser, without a network."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from monai.data import MetaTensor

from ..chambers import CHAMBERS
from ..frames import ras_to_voxel
from ..measured import Measured, Value
from ..mesh import Mesh
from ..text import RESEARCH_ONLY
from . import beat, words
from .colours import LANDMARK, of_errors, of_region, of_structure, step_of
from .drawing import OPTIONS, SCENE, encode_ct, encode_mz3, find_viewer, pack, packed_viewer
from .tables import landmark_list, located, measurement_table

WINDOWS = {"Angiography": (-100.0, 500.0), "Soft tissue": (-160.0, 240.0)}
"""HU that are black and white, by the names of the buttons; the crop's own window follows."""
LARGEST_ZOOM, FILLED = 1.6, 0.8
"""Of the surfaces in 3D: how much of half the picture they reach at most, as far as the zoom allows."""
_AROUND = 0.35
"""Opacity of a structure that another one lies in."""
_FOLDER = Path(__file__).parent / "browser"
_SCRIPTS = ("model", "reading", "cutting", "structures", "landmarks", "beat", "controls", "start")
"""What runs in the browser, one after the other."""


class Page:
    """Makes the page of a case.

    Args:
        window: HU that are -1 and +1 in the crop.
    """

    def __init__(self, window: Sequence[float]) -> None:
        self.window = tuple(window)

    def __call__(
        self,
        image: MetaTensor,
        meshes: Sequence[Mesh],
        report: Mapping[str, Any],
        measured: Mapping[str, Measured],
        values: Mapping[str, Value],
        phases: Sequence[beat.Phase] = (),
    ) -> bytes:
        """The page, UTF-8.

        Args:
            image: the crop (1, D0, D1, D2) in [-1, 1], axes running right, anterior and superior, with its affine.
            meshes: in RAS mm.
            report: the case's; of a beat with its `function`.
            measured: what is told of each mesh.
            values: the other measurements.
            phases: of a beat, all of them, in the order of `function`; `image` and `meshes` are those of one.

        Raises InputError where NiiVue is not installed.
        """
        affine = np.asarray(image.affine)
        found = located(report.get("landmarks", {}))
        regions = {name: named for name, named in report.get("regions", {}).items() if set(named) != {"0"}}
        told = self._told(image, meshes, measured, regions, found)
        errors = any(mesh.expected_error_mm is not None for mesh in meshes)
        images, section, motion = [image], "", {}
        if phases:
            function, own, fraction = report["function"], report["percent"], values.get("LV_ejection_fraction")
            held, moved = beat.moments(function, own), beat.Motion.of(phases)
            images, section, motion = (
                [phases[at].image for at in held],
                beat.section(function, own, fraction),
                moved.steps,
            )
            told["beat"] = {
                "percents": function["percent"], "told": beat.told(function), "usable": beat.usable(function),
                "moments": held, "own": function["percent"].index(own),
                "motion": {"origin": moved.origin.tolist(), "step": beat.STEP_MM},
            }  # fmt: skip
        parts = {
            "case": json.dumps(told).encode(),
            "ct": encode_ct([each.as_tensor()[0].cpu().numpy() for each in images], affine, self.window),
            **dict(_parts(meshes, regions, motion)),
        }
        script = '"use strict";\n' + "\n".join(_read(f"{name}.js") for name in _SCRIPTS)
        style = _read("page.css")
        return (
            Template(_read("page.html"))
            .substitute(
                policy=_policy(script, style),
                title=escape(f"{report['case']}: heart chambers"),
                name=escape(report["case"]),
                use=escape(RESEARCH_ONLY),
                forced=words.forced(report),
                stamp=words.stamp(report["forced"], measured),
                doubted=words.doubted(measured),
                colours='<span id="colours">Colours: </span>' if regions or errors else "",
                beat=section,
                heading="What the program found" if words.usable(measured) else "Not a result",
                chambers="\n".join(
                    words.structure(name, of, regions.get(name, {}), report.get("percent"), report["structures"][name])
                    for name, of in measured.items()
                ),
                measurements=measurement_table(values),
                landmarks=landmark_list(report.get("landmarks", {})),
                warnings=words.warnings(report, measured),
                about=words.about(report),
                parts="\n".join(_part(name, pack(content)) for name, content in parts.items()),
                niivue=_part("niivue", packed_viewer(find_viewer())),
                script=script,
                style=style,
            )
            .encode()
        )

    def _told(
        self,
        image: MetaTensor,
        meshes: Sequence[Mesh],
        measured: Mapping[str, Measured],
        regions: Mapping[str, Mapping[str, str]],
        found: Mapping[str, Mapping[str, Any]],
    ) -> dict[str, Any]:
        """What the script is told, beside the binary parts."""
        affine = np.asarray(image.affine)
        vertices = np.concatenate([mesh.vertices for mesh in meshes])
        shape = np.array(image.shape[1:])
        reach = np.linalg.norm(ras_to_voxel(vertices, affine) - (shape - 1) / 2, axis=1).max()
        zoom = min(LARGEST_ZOOM, FILLED * np.linalg.norm(shape) / 2 / reach)
        return {
            "shape": image.shape[1:],
            "origin": affine[:3, 3].tolist(),
            "spacing": float(affine[0, 0]),
            "centre": ((vertices.min(axis=0) + vertices.max(axis=0)) / 2).tolist(),
            "windows": {**WINDOWS, "All": self.window},
            "options": OPTIONS,
            "scene": {**SCENE, "volScaleMultiplier": float(zoom)},
            "surfaces": {
                mesh.name: {
                    "rgba": [*of_structure(mesh.name), 255],
                    "volume_ml": measured[mesh.name].volume_ml,
                    "regions": None if mesh.name not in regions else {
                        value: of_region(int(value)) for value in regions[mesh.name]
                    },
                    "errors": None if mesh.expected_error_mm is None else of_errors(),
                    "opacity": _AROUND if CHAMBERS[mesh.name].around in measured else 1.0,
                }
                for mesh in meshes
            },
            "landmarks": [
                {
                    "name": name,
                    "place": landmark["centre_ras_mm"],
                    "contour": landmark["contour_ras_mm"],
                    "rgba": [*LANDMARK[landmark["trust"]], 255],
                }
                for name, landmark in found.items()
            ],
        }  # fmt: skip


def _parts(
    meshes: Sequence[Mesh], regions: Mapping[str, Any], motion: Mapping[str, bytes]
) -> Iterator[tuple[str, bytes]]:
    """The binary parts of each structure."""
    for mesh in meshes:
        yield f"surface-{mesh.name}", encode_mz3(mesh)
        if mesh.name in regions:
            yield f"regions-{mesh.name}", mesh.regions.astype(np.uint8).tobytes()
        if mesh.expected_error_mm is not None:
            yield f"errors-{mesh.name}", step_of(mesh.expected_error_mm).tobytes()
        if mesh.name in motion:
            yield f"motion-{mesh.name}", motion[mesh.name]


def _part(name: str, packed: str) -> str:
    return f'<script type="text/plain" id="{name}">{packed}</script>'


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _policy(script: str, style: str) -> str:
    """The page may run what stands in it, and ask the network for nothing."""
    script_hash, style_hash = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, style)
    )
    return (
        f"default-src 'none'; script-src 'sha256-{script_hash}' blob:; style-src 'sha256-{style_hash}'; "
        "img-src data: blob:; connect-src data: blob:"
    )
