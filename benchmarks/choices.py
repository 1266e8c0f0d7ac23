"""What was tried at inference and left out, and what the mesh adds to its U-Net: `python -m benchmarks.choices`.

Fresh scans of generated patients that no weights were trained on go through the shape network and the mesh steps of
inference.json: as shipped, without each of the refinements and without all, subdivided by the flow, from the mirrored
image, and as the mean of several looks. Beside them stands the isosurface of the same network's segmentation. Poses and
scans are those of train.json, the hearts as far from the crop's centre as the locator leaves them. The default patients
are the shipped weights' validation patients.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import fire
import numpy as np
import torch
import trimesh
from monai.bundle import ConfigParser
from monai.data import CacheDataset, MetaTensor
from monai.transforms import Compose
from scipy.spatial import KDTree
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from custom.chambers import LABELS, LEFT_HEART
from custom.data import SampleStream
from custom.evaluation.measures import measure_chamber
from custom.frames import facing_out, voxel_to_ras
from custom.geometry.isosurface import isosurface
from custom.inference import SurfaceInferer
from custom.inference.inferer import LOWEST
from custom.inference.surfaces.refinement import Seen, Surfaces
from custom.mesh import Mesh
from custom.networks.weights import load_weights

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
OFF_CENTRE = 10.0
"""mm along each axis that a heart lies off the crop's centre at most."""
LOOKS = [
    {"shift": [-3, 3, -5], "contrast": 0.9},
    {"shift": [4, -2, 3], "contrast": 1.1},
    {"shift": [1, -5, -4], "contrast": 1.0},
]
"""Variations whose surfaces are averaged; the first is inference.json's."""
FINER = {"network_configurations#default#subdivisions": 5, "subdivision": 0}
"""Keys with which the flow carries as many vertices as subdivision gives."""


def main(first_seed: int = 21000, patients: int = 12, scans: int = 36, seed: int = 777, **overrides: Any) -> None:
    """Prints a row a choice: means, for each chamber, over the scans in which it is seen.

    Args:
        first_seed, patients: of the generated patients.
        scans: drawn of them in all.
        seed: of the scans.
        overrides: keys of inference.json, e.g. ``--checkpoint model.pt``.
    """
    shipped = Workflow(**overrides)
    finer = Workflow(**overrides, **FINER)
    drawn = draws(first_seed, patients, seed)
    found = defaultdict(list)
    for number in tqdm(range(scans), unit="scan"):
        scan = drawn[number]
        image, label = scan["image"], np.asarray(scan["label"])[0]
        for choice, meshes in choices(image, shipped, finer).items():
            for mesh in meshes:
                truth = label == LABELS[mesh.name]
                if truth.any():
                    errors = measure_chamber(mesh, truth, np.asarray(image.affine))
                    found[choice, mesh.name].append({**errors, "evenness": evenness(mesh), "bend": bend(mesh)})
    columns = ("scans", "Dice", "ASSD mm", "HD95 mm", "evenness", "bend °")
    print("| choice | " + " | ".join(f"{name}: {' | '.join(columns)}" for name in LEFT_HEART) + " |")
    print("|---" * (1 + len(columns) * len(LEFT_HEART)) + "|")
    for choice in dict.fromkeys(choice for choice, _ in found):
        cells = [choice]
        for rows in (found[choice, name] for name in LEFT_HEART):
            keys = {"dice": 3, "assd_mm": 2, "hd95_mm": 2, "evenness": 2, "bend": 0}
            cells += [
                f"{len(rows)}",
                *(f"{np.mean([row[key] for row in rows]):.{digits}f}" for key, digits in keys.items()),
            ]
        print("| " + " | ".join(cells) + " |")


class Workflow:
    """Network, refinements and mesh steps of inference.json.

    Args:
        overrides: keys of inference.json.
    """

    def __init__(self, **overrides: Any) -> None:
        parser = ConfigParser()
        parser.read_config(BUNDLE / "configs" / "inference.json")
        parser.update({"bundle_root": str(BUNDLE), "device": "cpu", **overrides})
        self.network = parser.get_parsed_content("network_def").eval()
        load_weights(self.network, parser.get_parsed_content("checkpoint"))
        self.spacing = parser.get_parsed_content("inferer").spacing
        self.refinements = parser.get_parsed_content("inferer#refinements")
        self.outliers = parser.get_parsed_content("inferer#outliers")
        self.steps = parser.get_parsed_content("meshes")

    def see(self, batch: Tensor, augmentations: Sequence[Mapping[str, Any]] = ()) -> dict[str, Tensor]:
        """What `SurfaceInferer` gives for windowed crops (1, 1, D0, D1, D2), outliers and all."""
        return SurfaceInferer(self.spacing, augmentations, self.refinements)(batch, self.network)

    def meshes(self, image: MetaTensor, surfaces: Surfaces, seen: Seen) -> list[Mesh]:
        """Surfaces in RAS mm of those of one windowed crop (1, D0, D1, D2)."""
        vertices, faces = self.outliers(surfaces, seen)
        faces = faces.expand(vertices.shape[1], -1, -1)
        return self.steps({"image": image, "pred": vertices[0], "faces": faces, "seconds": {}})["meshes"]


def draws(first_seed: int, patients: int, seed: int) -> SampleStream:
    """Random scans of patients, as training draws them, but for the hearts' places."""
    parser = ConfigParser()
    parser.read_config(BUNDLE / "configs" / "train.json")
    parser.update({"augmentation#translate": OFF_CENTRE})
    cases = [{"seed": number} for number in range(first_seed, first_seed + patients)]
    scan = [parser.get_parsed_content(f"generated_{part}") for part in ("pose", "scan")]
    steps = Compose([*parser.get_parsed_content("generated_volume"), *scan, parser.get_parsed_content("windowing")])
    return SampleStream(CacheDataset(cases, steps), seed)


def choices(image: MetaTensor, shipped: Workflow, finer: Workflow) -> dict[str, list[Mesh]]:
    """Surfaces by the name of the choice, of a windowed crop (1, D0, D1, D2)."""
    batch = image.as_tensor()[None]
    found = shipped.see(batch, LOOKS)
    vertices, looks, faces = found["pred"], found["varied"], found["faces"][0, 0]
    (*_, plain), logits = shipped.network.stages_and_segmentation(batch)
    stride = shipped.network.level_strides[0]
    seen = Seen(logits, stride, shipped.spacing)
    fairing, subdivision, snapping = (partial(step, seen=seen) for step in shipped.refinements)
    start = Surfaces(plain, shipped.network.faces)
    sphere, _ = subdivision(Surfaces(shipped.network.sphere[None, None], shipped.network.faces))
    answers = {
        "as shipped": (vertices, faces),
        "not made fair": snapping(subdivision(start)),
        "not subdivided": snapping(fairing(start)),
        "not drawn towards the segmentation": subdivision(fairing(start)),
        "as the network gave them": start,
        "mean of two looks": (torch.stack([vertices, looks[:, 0]]).mean(0), faces),
        "mean of four looks": (torch.cat([vertices[:, None], looks], 1).mean(1), faces),
        "from the mirrored image": (mirror(shipped.see(batch.flip(2))["pred"], sphere[0, 0]), faces),
    }
    carried = finer.see(batch)
    answers["subdivided by the flow"] = carried["pred"], carried["faces"][0, 0]
    surfaces = {choice: shipped.meshes(image, Surfaces(*answer), seen) for choice, answer in answers.items()}
    probability = probabilities(logits, stride)
    inside = batch[:, :, : probability.shape[2]]  # what the finest level's voxels lie on
    padded = F.pad(inside.flip(2), (0, 0, 0, 0, 0, batch.shape[2] - inside.shape[2]), value=LOWEST)
    mirrored = probabilities(shipped.network.segment(padded), stride).flip(2)
    surfaces["isosurface of the U-Net"] = isosurfaces(image, probability)
    surfaces["isosurface, mean with the mirrored image's"] = isosurfaces(image, (probability + mirrored) / 2)
    return surfaces


def evenness(mesh: Mesh) -> float:
    """Of the triangles 4 sqrt(3) area / sum of squared edges, 1 for an equilateral one: what 95 in 100 exceed."""
    corners = mesh.vertices[mesh.faces]
    squares = np.square(np.roll(corners, -1, axis=1) - corners).sum((1, 2))
    return float(np.percentile(4 * np.sqrt(3) * trimesh.triangles.area(corners) / squares, 5))


def bend(mesh: Mesh) -> float:
    """Of the edges the angle between the faces' normals, degrees: what one in 100 exceeds."""
    surface = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    return float(np.percentile(np.degrees(surface.face_adjacency_angles), 99))


def mirror(vertices: Tensor, sphere: Tensor) -> Tensor:
    """Vertices (B, S, V, 3), normalised, of a mirrored image (right and left), where they belong in the image itself.

    The sphere (V, 3) is its own mirror image: each vertex takes its counterpart's place, so that normals stay outward.
    """
    sign = vertices.new_tensor([-1.0, 1.0, 1.0])
    return vertices[:, :, KDTree(sphere).query(sphere * sign)[1]] * sign


def probabilities(logits: Tensor, stride: int) -> Tensor:
    """Of the classes, from logits (1, S + 1, d0, d1, d2), on the crop's voxels between their own, `stride` apart."""
    probability = logits.softmax(1)
    size = [stride * (side - 1) + 1 for side in probability.shape[2:]]
    return F.interpolate(probability, size=size, mode="trilinear", align_corners=True)


def isosurfaces(image: MetaTensor, probability: Tensor) -> list[Mesh]:
    """Isosurfaces in RAS mm of the classes (1, S + 1, ...), whose voxels begin with the image's; none of one unseen."""
    affine, found = np.asarray(image.affine), []
    for name in LEFT_HEART:
        try:
            vertices, faces = isosurface(probability[0, LABELS[name]].numpy())
        except ValueError:
            continue
        found.append(Mesh(name, voxel_to_ras(vertices, affine), facing_out(faces, affine)))
    return found


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    fire.Fire(main)
