import pytest
import torch
import trimesh

from custom.baselines import MeshTraining, Voxel2Mesh, Voxel2MeshLoss
from custom.baselines.voxel2mesh.neighbourhood_sampling import NEIGHBOURS, LearnedNeighbourhoodSampling
from custom.geometry.subdivision import edges_of
from custom.sampling import sample

WEIGHTS = {"cross_entropy": 1.0, "chamfer": 1.0, "laplacian": 0.1, "edge": 1.0, "normal": 0.1}


@pytest.fixture
def make(spheres, small_unet):
    """Function of where to unpool: a small network."""

    def network(unpool=(False, True, True)):
        torch.manual_seed(0)
        return Voxel2Mesh(*spheres, 1, small_unet, unpool, share=0.7, channels=8, residual_pairs=1)

    return network


def stirred(network):
    """With exits that do something, which start at zero."""
    for stage in network.stages:
        for graph in stage.graphs:
            torch.nn.init.normal_(graph.exit.lins[0].weight, std=0.01)
    return network


def test_surfaces_grow_and_stay_closed(make):
    stages, logits = stirred(make()).stages_and_segmentation(torch.rand(2, 1, 16, 16, 16))
    assert logits.shape == (2, 3, 16, 16, 16)
    assert [stage.vertices.shape[2] for stage in stages] == [42, 42 + 84, 42 + 84 + int(0.7 * 3 * 124)]
    for vertices, faces in stages:
        assert vertices.shape[:2] == faces.shape[:2] == (2, 2)
        for mesh, triangles in zip(vertices.flatten(0, 1), faces.flatten(0, 1), strict=True):
            assert len(triangles) == 2 * len(mesh) - 4
            edges_of(triangles)  # closed
            assert trimesh.Trimesh(mesh.detach(), triangles, process=False).volume > 0  # outward
    last = stages[-1].faces
    assert not torch.equal(last[0, 0], last[0, 1])  # every surface has its own


def test_it_starts_from_the_spheres(make, spheres):
    vertices, _ = make((False, False, False))(torch.zeros(1, 1, 16, 16, 16))
    centres, radii = spheres
    arms = (vertices - torch.tensor(centres).view(1, 2, 1, 3)).norm(dim=-1)
    torch.testing.assert_close(arms, torch.tensor(radii).view(1, 2, 1).expand_as(arms))


def test_every_level_needs_a_choice(make):
    with pytest.raises(ValueError, match="3 levels"):
        make((True, True))


def test_sampling_looks_where_it_learnt_to():
    """With the shifts set by hand, each neighbour is the sample there less the one at the vertex."""
    torch.manual_seed(0)
    sampling = LearnedNeighbourhoodSampling(2, stride=2).double()
    volume, vertices = torch.rand(1, 2, 6, 6, 6).double(), torch.rand(1, 5, 3).double() - 0.5
    shift = 0.3 * torch.rand(NEIGHBOURS, 3).double()
    sampling.shift.bias.data = shift.flatten()
    own = sample(volume, vertices, 2)
    centre = sampling.centre(torch.cat([own, vertices], -1))
    pieces = [torch.cat([sample(volume, vertices + way, 2) - own, way.expand(1, 5, 3)], -1) for way in shift]
    expected = centre + sampling.around(torch.cat(pieces, -1))
    torch.testing.assert_close(sampling(volume, vertices), expected)


def test_the_loss_has_the_gradient_it_says(make):
    """Along a random direction, in float64, against finite differences; the same points are drawn each time."""
    network = make().double()
    label = torch.zeros(1, 1, 16, 16, 16, dtype=torch.uint8)
    label[0, 0, 9:14, 4:10, 8:13], label[0, 0, 3:8, 6:12, 4:9] = 1, 2
    loss = Voxel2MeshLoss(200, WEIGHTS)
    stages, logits = network.stages_and_segmentation(label.double())
    surfaces = stages[-1]
    start, logits = surfaces.vertices.detach(), logits.detach()
    generator = torch.Generator().manual_seed(0)
    start = start + 0.01 * torch.randn(start.shape, generator=generator, dtype=torch.float64)
    direction = torch.randn(start.shape, generator=generator, dtype=torch.float64)

    def value(vertices):
        torch.manual_seed(0)
        return loss([surfaces._replace(vertices=vertices)], logits, label, 1)["loss"]

    vertices = start.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(value(vertices), vertices)
    step = 1e-7
    numeric = (value(start + step * direction) - value(start - step * direction)) / (2 * step)
    torch.testing.assert_close((gradient * direction).sum(), numeric, rtol=1e-3, atol=1e-6)


def test_weights_are_checked():
    with pytest.raises(ValueError, match="weights are of"):
        Voxel2MeshLoss(10, {"chamfer": 1.0})


@pytest.mark.parametrize("values", [(1, 2), (2,), ()], ids=str)
def test_training_reaches_the_parameters(make, values):
    network = stirred(make())
    label = torch.zeros(1, 1, 16, 16, 16, dtype=torch.uint8)
    for value, box in ((1, (slice(9, 14), slice(4, 10), slice(8, 13))), (2, (slice(3, 8), slice(6, 12), slice(4, 9)))):
        if value in values:
            label[0, 0][box] = value
    output = MeshTraining(network, Voxel2MeshLoss(100, WEIGHTS))(label - 1.0, label, 0.0)
    assert next(iter(output)) == "loss" and all(value.ndim == 0 for value in output.values())
    output["loss"].backward()
    for name, parameter in network.named_parameters():
        structure = int(name.split("graphs.")[1][0]) + 1 if "graphs." in name else None
        if name.startswith("unet.") or structure in values:
            assert parameter.grad is not None and bool(torch.isfinite(parameter.grad).all()), name


def test_before_the_meshes_the_segmentation_trains_alone(make):
    network = stirred(make())
    label = torch.zeros(1, 1, 16, 16, 16, dtype=torch.uint8)
    label[..., 4:12, 4:12, 4:12] = 1
    MeshTraining(network, Voxel2MeshLoss(100, WEIGHTS))(label - 1.0, label, -0.5)["loss"].backward()
    learning = {name for name, parameter in network.named_parameters() if parameter.grad is not None}
    assert learning == {name for name, _ in network.named_parameters() if name.startswith("unet.")}
