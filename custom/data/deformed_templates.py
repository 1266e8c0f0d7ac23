"""Deformed icospheres with their exact distance fields: what the representation network is pretrained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from monai.transforms.utils import create_rotate, create_scale, create_shear, create_translate
from torch import Tensor
from torch.utils.data import Dataset

from ..frames import apply_affine
from ..geometry.distance_field import cube_distance_field
from ..template import icosphere

CONTROL_VERTICES = 16
"""Vertices of the template that a sinusoidal displacement pulls."""
REACH = 0.5
"""Distance from such a vertex at which its pull ends, normalised units."""
LATTICE = 4
"""Control points per axis of a B-spline displacement: one cubic patch over the cube."""


class DeformedTemplates(Dataset):
    """Random closed surfaces with the icosphere's graph; each a function of its seed alone, whichever worker makes it.

    A sphere about the centre, then with their probabilities: an affine map; a sinusoidal or a B-spline displacement;
    vertex noise.

    Args:
        size: voxels per axis of the distance field.
        subdivisions: of the icosphere.
        first_seed: seed of the first sample; the others follow.
        count: number of samples.
        radii: radii to choose from, normalised units.
        deformation: ``affine``, ``displace`` and ``jitter``: probabilities of the three; ``translate`` and ``scale``:
            largest shift (normalised units) and relative change of size per axis; ``rotate``: largest angle about each
            axis, degrees; ``shear``: largest coefficient; ``displacement``: largest component of a control vector;
            ``noise``: standard deviation of the vertex noise (both normalised units).
    """

    def __init__(
        self,
        size: int,
        subdivisions: int,
        first_seed: int,
        count: int,
        radii: Sequence[float],
        deformation: Mapping[str, float],
    ) -> None:
        self.size = size
        self.first_seed = first_seed
        self.count = count
        self.radii = list(radii)
        self.deformation = dict(deformation)
        sphere, self.faces = icosphere(subdivisions)
        self.sphere = sphere.numpy()

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """``vertices`` (V, 3) normalised and ``distance`` (1, size, size, size) in normalised units, both float32."""
        if not 0 <= index < self.count:
            raise IndexError(f"there are {self.count} templates, asked for number {index}")
        vertices = torch.from_numpy(self._deform(np.random.default_rng(self.first_seed + index)))
        distance = cube_distance_field(vertices, self.faces, self.size)
        return {"vertices": vertices.float(), "distance": distance.unsqueeze(0)}

    def _deform(self, random: np.random.Generator) -> np.ndarray:
        chosen = self.deformation
        vertices = random.choice(self.radii) * self.sphere
        if random.random() < chosen["affine"]:
            vertices = apply_affine(self._draw_affine(random), vertices)
        if random.random() < chosen["displace"]:
            if random.random() < 0.5:
                controls = random.choice(vertices, CONTROL_VERTICES, replace=False)
                pull = random.uniform(-chosen["displacement"], chosen["displacement"], (CONTROL_VERTICES, 3))
                vertices = vertices + sinusoidal_displacement(vertices, controls, pull)
            else:
                lattice = random.uniform(-chosen["displacement"], chosen["displacement"], (LATTICE,) * 3 + (3,))
                vertices = vertices + bspline_displacement(vertices, lattice)
        if random.random() < chosen["jitter"]:
            vertices = vertices + random.normal(0, chosen["noise"], vertices.shape)
        return vertices

    def _draw_affine(self, random: np.random.Generator) -> np.ndarray:
        chosen = self.deformation
        angle = np.deg2rad(chosen["rotate"])
        scale = create_scale(3, (1 + random.uniform(-chosen["scale"], chosen["scale"], 3)).tolist())
        shear = create_shear(3, random.uniform(-chosen["shear"], chosen["shear"], 6).tolist())
        rotate = create_rotate(3, random.uniform(-angle, angle, 3).tolist())
        shift = create_translate(3, random.uniform(-chosen["translate"], chosen["translate"], 3).tolist())
        return shift @ rotate @ shear @ scale


def sinusoidal_displacement(points: np.ndarray, controls: np.ndarray, pull: np.ndarray) -> np.ndarray:
    """Pulls fading from their control points along half a cosine wave; where several reach, at most their mean.

    Args:
        points: (P, 3) float64 normalised.
        controls: (K, 3) normalised.
        pull: (K, 3) displacement of each control point, normalised units.

    Returns:
        (P, 3) displacement, nowhere longer than the longest pull.
    """
    away = np.linalg.norm(points[:, None] - controls, axis=-1) / REACH
    weight = 0.5 * (1 + np.cos(np.pi * away.clip(max=1)))
    return weight @ pull / weight.sum(1, keepdims=True).clip(min=1)


def bspline_displacement(points: np.ndarray, lattice: np.ndarray) -> np.ndarray:
    """One uniform cubic B-spline patch over the cube [-1, 1]; constant along its normal beyond.

    Args:
        points: (P, 3) float64 normalised.
        lattice: (4, 4, 4, 3) control vectors, normalised units.

    Returns:
        (P, 3) displacement.
    """
    t = ((points + 1) / 2).clip(0, 1)
    basis = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=-1) / 6
    return np.einsum("pi,pj,pk,ijkc->pc", basis[:, 0], basis[:, 1], basis[:, 2], lattice, optimize=True)
