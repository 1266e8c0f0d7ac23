import pytest
import torch

from custom.baselines import MeshDeformLoss, MeshDeformNet, MeshTraining
from custom.baselines.sphere_initialization import SphereInitialization

EXPONENTS = {"point": 0.3, "normal": 0.47, "edge": 0.17, "laplacian": 0.05}


@pytest.fixture
def network(spheres, small_unet):
    torch.manual_seed(0)
    return MeshDeformNet(*spheres, small_unet, [[1, 2], [0, 1], [0, 1]], [8, 8, 8], [8, 8, 8], 1, subdivisions=2)


@pytest.fixture
def labels(spheres):
    """The spheres as voxels, each moved by a voxel."""
    size = 16
    place = torch.stack(torch.meshgrid(*[torch.linspace(-1, 1, size)] * 3, indexing="ij"), -1)
    labels = torch.zeros(1, 1, size, size, size, dtype=torch.uint8)
    for value, (centre, radius) in enumerate(zip(*spheres, strict=True), 1):
        labels[0, 0][(place - torch.tensor(centre) - 2 / size).norm(dim=-1) < radius] = value
    return labels


def test_it_starts_from_the_spheres(network, spheres):
    meshes, logits = network.stages_and_segmentation(torch.zeros(2, 1, 16, 16, 16))
    assert logits.shape == (2, 3, 16, 16, 16) and len(meshes) == 3
    centres, radii = spheres
    for mesh in meshes:
        assert mesh.shape == (2, 2, 162, 3)
        arms = (mesh - torch.tensor(centres).view(1, 2, 1, 3)).norm(dim=-1)
        torch.testing.assert_close(arms, torch.tensor(radii).view(1, 2, 1).expand_as(arms))
    torch.testing.assert_close(network(torch.zeros(2, 1, 16, 16, 16)), meshes[-1])


def test_a_sphere_needs_a_centre_and_a_radius():
    with pytest.raises(ValueError, match="centre of three coordinates"):
        SphereInitialization([[0.0, 0.0]], [0.5])


def test_the_loss_has_the_gradient_it_says(network, labels):
    """Along a random direction, in float64, against finite differences; the same points are drawn each time."""
    loss = MeshDeformLoss(network.faces, 200, EXPONENTS, 1.0).double()
    generator = torch.Generator().manual_seed(0)
    start = network.initialization(network.sphere, labels).double()
    start = start + 0.01 * torch.randn(start.shape, generator=generator, dtype=torch.float64)
    direction = torch.randn(start.shape, generator=generator, dtype=torch.float64)
    logits = torch.zeros(1, 3, 16, 16, 16, dtype=torch.float64)

    def value(vertices):
        torch.manual_seed(0)
        return loss([vertices, 2 * vertices], logits, labels, 1)["loss"]

    vertices = start.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(value(vertices), vertices)
    step = 1e-7
    numeric = (value(start + step * direction) - value(start - step * direction)) / (2 * step)
    torch.testing.assert_close((gradient * direction).sum(), numeric, rtol=1e-4, atol=1e-6)


def test_a_better_mesh_has_less_loss(network, labels):
    loss = MeshDeformLoss(network.faces, 500, EXPONENTS, 0.0)
    logits = torch.zeros(1, 3, 16, 16, 16)
    start = network.initialization(network.sphere, labels)
    torch.manual_seed(0)
    values = [loss([start + shift], logits, labels, 1) for shift in (0.0, 2 / 16, 6 / 16)]
    assert values[1]["loss"] < values[0]["loss"] < values[2]["loss"]
    assert values[1]["point"] < 0.5 * values[0]["point"]
    assert values[1]["normal"] < 0.5 * values[2]["normal"] and float(values[1]["normal"]) < 0.2
    assert values[1]["edge"] < 0.5 * loss([1.5 * start], logits, labels, 1)["edge"]


def test_exponents_are_checked(network):
    with pytest.raises(ValueError, match="exponents are of"):
        MeshDeformLoss(network.faces, 10, {"point": 1.0}, 1.0)


@pytest.mark.parametrize("values", [(1, 2), (2,), ()], ids=str)
def test_training_reaches_every_parameter(network, values, labels):
    labels[~torch.isin(labels, torch.tensor(values, dtype=torch.uint8))] = 0
    for stage in network.stages:
        torch.nn.init.normal_(stage.exit.lins[0].weight, std=0.1)  # zero at the start: nothing behind would learn
    output = MeshTraining(network, MeshDeformLoss(network.faces, 100, EXPONENTS, 1.0))(labels - 1.0, labels, 0.0)
    assert next(iter(output)) == "loss" and all(value.ndim == 0 for value in output.values())
    output["loss"].backward()
    learning = {name for name, parameter in network.named_parameters() if parameter.grad is not None}
    parts = ("unet.", "stages.") if values else ("unet.",)
    assert {name for name, _ in network.named_parameters() if name.startswith(parts)} <= learning
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    assert all(bool(torch.isfinite(gradient).all()) for gradient in gradients)


def test_before_the_meshes_the_segmentation_trains_alone(network, labels):
    output = MeshTraining(network, MeshDeformLoss(network.faces, 100, EXPONENTS, 1.0))(labels - 1.0, labels, -0.5)
    output["loss"].backward()
    learning = {name for name, parameter in network.named_parameters() if parameter.grad is not None}
    assert learning == {name for name, _ in network.named_parameters() if name.startswith("unet.")}
    assert set(output) == {"loss", "dice", "cross_entropy"}
