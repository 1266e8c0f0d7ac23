import json
from pathlib import Path

import numpy as np
import pytest
import torch

from custom.data import DeformedTemplates
from custom.data.deformed_templates import bspline_displacement, sinusoidal_displacement
from custom.sampling import sample
from custom.template import icosphere

CONFIG = json.loads((Path(__file__).parents[2] / "bundle" / "configs" / "pretrain.json").read_text())
STILL = dict.fromkeys(CONFIG["deformation"], 0.0)


def templates(first_seed=7):
    return DeformedTemplates(32, 2, first_seed, 5, CONFIG["radii"], CONFIG["deformation"])


def test_the_field_vanishes_on_the_vertices():
    for template in templates():
        vertices, distance = template["vertices"], template["distance"]
        assert vertices.dtype == distance.dtype == torch.float32
        assert vertices.shape == (162, 3) and distance.shape == (1, 32, 32, 32)
        inside = vertices[(vertices.abs() < 1).all(1)]
        assert sample(distance[None], inside[None]).abs().mean() < 0.5 * 2 / 31  # half a voxel: the field has a ridge


def test_samples_depend_on_their_seed_alone():
    first = templates(7)[3]
    for again in (templates(7)[3], templates(10)[0]):
        torch.testing.assert_close(again, first, rtol=0, atol=0)
    assert not torch.equal(first["vertices"], templates(7)[4]["vertices"])


def test_undeformed_templates_are_spheres_of_all_radii():
    dataset = DeformedTemplates(16, 1, 0, 60, CONFIG["radii"], STILL)
    radii = {round(float(dataset[index]["vertices"].norm(dim=1).mean()), 5) for index in range(60)}
    assert radii == set(CONFIG["radii"])


def test_workers_make_the_same():
    for ours, theirs in zip(templates(), torch.utils.data.DataLoader(templates(), num_workers=2), strict=True):
        torch.testing.assert_close(theirs["vertices"][0], ours["vertices"], rtol=0, atol=0)


@pytest.mark.parametrize("seed", range(3))
def test_sinusoidal_pull_moves_its_control_points_and_fades(seed):
    random = np.random.default_rng(seed)
    points = icosphere(3)[0].numpy()
    controls, pull = points[:1], random.uniform(-0.2, 0.2, (1, 3))
    moved = sinusoidal_displacement(points, controls, pull)
    np.testing.assert_allclose(moved[0], pull[0], atol=1e-12)
    far = np.linalg.norm(points - controls, axis=1) > 0.5
    assert far.any() and np.abs(moved[far]).max() == 0
    many = random.uniform(-0.2, 0.2, (16, 3))
    assert np.abs(sinusoidal_displacement(points, points[:16], many)).max() <= 0.2


def test_bspline_reproduces_linear_functions():
    """Uniform B-splines do: control vectors that are linear in their position give that linear map."""
    position = np.stack(np.meshgrid(*[np.array([-3.0, -1.0, 1.0, 3.0])] * 3, indexing="ij"), axis=-1)
    matrix = np.array([[0.1, 0.2, -0.3], [0.0, 0.1, 0.4], [0.2, -0.1, 0.05]])
    points = np.random.default_rng(0).uniform(-1, 1, (50, 3))
    np.testing.assert_allclose(bspline_displacement(points, position @ matrix), points @ matrix, atol=1e-12)
    beyond = np.array([[2.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(*bspline_displacement(beyond, position @ matrix), atol=1e-12)
