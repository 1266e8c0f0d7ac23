"""Training of the edge network: surfaces that inference makes of labelled scans, and how far the labels' edges are."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ..chambers import ENCLOSED
from ..edges import edge_features
from ..geometry.mending.vertex_graph import VertexGraph
from ..mesh import Mesh
from ..networks.edge_network import EdgeNetwork
from ..profiles import Scan, along_normals, normals_of

logger = logging.getLogger(__name__)

SMOOTHING = 0.7
"""Voxels, of a label whose surface is looked for: its steps are the voxels', not the chamber's."""
DISTANCES = np.linspace(-4.5, 4.5, 91)
"""mm along the normal where it is looked for; a vertex from which it is not seen teaches nothing."""


class Displacement(NamedTuple):
    """How training surfaces are moved beside where inference has them: on a patient it errs more than on these."""

    copies: int
    """Of each surface, of which the first is not moved."""
    bulges_mm: tuple[float, float]
    """Standard deviation of a smooth random field along the normals."""
    averaging: tuple[int, int]
    """Times that noise is averaged over neighbours to make the field."""
    whole_mm: float
    """Standard deviation of what is added to all vertices alike."""


def labels_offset(label: Scan, vertices: NDArray, normals: NDArray) -> NDArray[np.float32]:
    """(V,) mm outward from each vertex to the nearest place along its normal where a smoothed label, 1 inside, ends;
    not a number where it does not."""
    inside = along_normals(label, vertices, normals, DISTANCES) - 0.5
    before, after = inside[:, :-1], inside[:, 1:]
    ends = (before > 0) & (after <= 0)
    share = np.divide(before, before - after, out=np.zeros_like(before), where=ends)
    places = np.where(ends, DISTANCES[:-1] + share * (DISTANCES[1] - DISTANCES[0]), np.inf)
    nearest = places[np.arange(len(places)), np.abs(places).argmin(1)]
    return np.where(np.isfinite(nearest), nearest, np.nan).astype(np.float32)


def examples(
    mesh: Mesh,
    scan: Scan,
    labels: Scan,
    structures: Sequence[str],
    displacement: Displacement,
    count: int,
    rng: np.random.Generator,
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Features (count, F) and offsets (count,) of vertices drawn from each displaced copy of a mesh.

    Args:
        mesh: of one of `structures`, as inference makes it.
        scan: HU.
        labels: values of a label map.
    """
    inside = np.isin(labels.values, ENCLOSED[mesh.name]).astype(np.float32)
    label = Scan(gaussian_filter(inside, SMOOTHING), labels.affine)
    graph = VertexGraph(mesh.faces, len(mesh.vertices))
    for copy in range(displacement.copies):
        vertices = mesh.vertices
        if copy:
            field = graph.averaged(rng.normal(size=len(vertices)), int(rng.integers(*displacement.averaging)))
            field *= rng.uniform(*displacement.bulges_mm) / field.std()
            field += rng.normal() * displacement.whole_mm
            vertices = vertices + field[:, None] * normals_of(vertices, mesh.faces)
        normals = normals_of(vertices, mesh.faces)
        target = labels_offset(label, vertices, normals)
        seen = np.flatnonzero(np.isfinite(target))
        drawn = rng.choice(seen, min(count, len(seen)), replace=False)
        place = structures.index(mesh.name)
        features = edge_features(scan, vertices, normals, graph, place, len(structures))
        yield features[drawn], target[drawn]


def gather(
    cases: Iterable[tuple[Sequence[Mesh], Scan, Scan]],
    structures: Sequence[str],
    displacement: Displacement,
    count: int,
    seed: int,
) -> tuple[Tensor, Tensor]:
    """Examples of many cases, each its meshes, scan and labels: features (N, F) float16 and offsets (N,)."""
    features, offsets = [], []
    for number, (meshes, scan, labels) in enumerate(cases):
        rng = np.random.default_rng([seed, number])
        for mesh in meshes:
            for own, target in examples(mesh, scan, labels, structures, displacement, count, rng):
                features.append(torch.from_numpy(own).half())
                offsets.append(torch.from_numpy(target))
    return torch.cat(features), torch.cat(offsets)


def surfaces_of(
    images: Iterable[dict[str, str]],
    prepare: Callable[[dict[str, Any]], dict[str, Any]],
    infer: Callable[[Tensor], dict[str, Tensor]],
    finish: Callable[[dict[str, Any]], dict[str, Any]],
    read_label: Callable[[str], tuple[np.ndarray, np.ndarray]],
) -> Iterator[tuple[Sequence[Mesh], Scan, Scan]]:
    """Meshes, scan and labels of labelled images ``{"image": path, "label": path}``.

    Args:
        prepare: makes a record with `image` and `scan` of the path.
        infer: what the network says of a crop (1, 1, D0, D1, D2).
        finish: makes `meshes` of that.
        read_label: a label map and its affine.
    """
    for case in images:
        record = prepare({"image": case["image"]})
        with torch.inference_mode():
            answer = infer(record["image"].as_tensor()[None])
        record = finish({**record, **{key: value[0].cpu() for key, value in answer.items()}})
        yield record["meshes"], record["scan"], Scan(*read_label(case["label"]))


def train_edges(
    network: EdgeNetwork,
    optimizer: Optimizer,
    lr_scheduler: LRScheduler,
    data: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    batch_size: int,
    steps: int,
    seed: int,
) -> float:
    """Train for so many steps, by the likelihood of the offsets; the mean absolute error in validation, mm."""
    generator = torch.Generator().manual_seed(seed)
    features, offsets = data
    network.train()
    for step in range(1, steps + 1):
        drawn = torch.randint(len(offsets), (batch_size,), generator=generator)
        median, spread = network(features[drawn].float())
        loss = ((median - offsets[drawn]).abs() * (-spread).exp() + spread).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        lr_scheduler.step()
        if step % (steps // 10 or 1) == 0:
            logger.info("step %d of %d: loss %.3f", step, steps, loss.item())
    network.eval()
    with torch.inference_mode():
        error = float((network(validation[0].float())[0] - validation[1]).abs().mean())
    logger.info("validation: mean error %.3f mm; of surfaces as they are %.3f mm", error, validation[1].abs().mean())
    return error


def run_edge_training(
    network: EdgeNetwork,
    optimizer: Optimizer,
    lr_scheduler: LRScheduler,
    cases: Mapping[str, Sequence[dict[str, str]]],
    surfaces: Callable[[Sequence[dict[str, str]]], Iterator[tuple[Sequence[Mesh], Scan, Scan]]],
    displacement: Displacement,
    examples: int,
    batch_size: int,
    steps: int,
    seed: int,
    folder: str | PathLike,
) -> None:
    """Gather, train, and write `edges.pt`, float16, into a folder.

    Args:
        cases: labelled images for `training` and `validation`.
        surfaces: `surfaces_of`, of images alone.
        examples: vertices of each surface that are learnt from.
    """
    learnt, kept = (
        gather(surfaces(cases[part]), network.structures, displacement, examples, seed)
        for part in ("training", "validation")
    )
    train_edges(network, optimizer, lr_scheduler, learnt, kept, batch_size, steps, seed)
    Path(folder).mkdir(parents=True, exist_ok=True)
    torch.save({name: value.half() for name, value in network.state_dict().items()}, Path(folder) / "edges.pt")
