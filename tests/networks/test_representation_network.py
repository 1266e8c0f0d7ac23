import json
from pathlib import Path

import pytest
import torch

from custom.networks import RepresentationNetwork
from custom.template import icosphere

CONFIG = json.loads((Path(__file__).parents[2] / "bundle" / "configs" / "pretrain.json").read_text())


def network(**overrides):
    arguments = {name: value for name, value in CONFIG["network_def"].items() if name != "_target_"}
    return RepresentationNetwork(**arguments | {"size": 32, "subdivisions": 2, "amp": False} | overrides)


def spheres(subdivisions=2):
    return torch.stack([0.4 * icosphere(subdivisions)[0], 0.6 * icosphere(subdivisions)[0]]).float()


def test_has_the_published_number_of_parameters():
    g = network(size=128, subdivisions=4)
    assert sum(parameter.numel() for parameter in g.parameters()) == 2_470_052
    assert g.faces.shape == (5120, 3)


def test_all_levels_train_and_the_last_remains():
    torch.manual_seed(0)
    g = network(dropout=0.0)
    vertices = spheres().requires_grad_()
    levels = g(vertices)
    assert levels.shape == (2, 4, 32, 32, 32) and levels.dtype == torch.float32
    levels.square().sum().backward()
    assert [name for name, parameter in g.named_parameters() if parameter.grad is None] == []
    assert (vertices.grad.abs().sum((1, 2)) > 0).all()
    field = g.eval()(vertices)
    torch.testing.assert_close(field, levels[:, -1:], rtol=0, atol=1e-5)


def test_a_mesh_does_not_depend_on_its_batch():
    torch.manual_seed(1)
    g = network().eval().double()  # in float32 the order of summation alone reaches 1e-5
    meshes = spheres().double()
    with torch.no_grad():
        together, alone = g(meshes), torch.cat([g(mesh[None]) for mesh in meshes])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-10)


def test_gradient_reaches_the_vertices_rightly():
    """Against differences along a random direction, in float64."""
    torch.manual_seed(2)
    g = network(graph_channels=8, decoder_channels=[16, 8], size=8).double().eval()
    vertices = spheres().double()[:1].requires_grad_()
    weight = torch.randn(1, 1, 8, 8, 8, dtype=torch.float64)
    direction = torch.randn_like(vertices)
    slope = (torch.autograd.grad((g(vertices) * weight).sum(), vertices)[0] * direction).sum()
    step = 1e-6 * direction
    with torch.no_grad():
        difference = ((g(vertices + step) - g(vertices - step)) * weight).sum() / 2e-6
    torch.testing.assert_close(slope, difference, rtol=1e-5, atol=0)


def test_bfloat16_gradients_are_those_of_float32():
    torch.manual_seed(3)
    g = network(dropout=0.0)  # at this size the coarsest grid has 2x2x2 voxels
    gradients = []
    for g.amp in (False, True):
        g.zero_grad()
        g(spheres()).square().mean().backward()
        gradients.append([parameter.grad.clone() for parameter in g.parameters()])
    for name, exact, rounded in zip(dict(g.named_parameters()), *gradients, strict=True):
        assert (rounded - exact).norm() < 0.1 * exact.norm() + 1e-4, name


@pytest.mark.parametrize("size", [16, 40])
def test_sizes_that_do_not_fit_are_refused(size):
    with pytest.raises(ValueError, match="multiple of 16"):
        network(size=size)
