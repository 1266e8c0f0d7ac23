import pytest
import torch

from custom.networks import ShapeNetwork
from custom.template import icosphere


def blob(centre, radius, size=64):
    axes = torch.meshgrid(*(torch.linspace(-1, 1, size) for _ in range(3)), indexing="ij")
    return (torch.stack(axes, -1) - torch.tensor(centre)).norm(dim=-1) < radius


def test_paper_has_the_published_number_of_parameters(paper_arguments):
    network = ShapeNetwork(**paper_arguments)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == 8_493_307  # "8.49 M"


@pytest.mark.parametrize("structures", [1, 2])
def test_paper_deforms_the_fixed_sphere(paper_arguments, structures):
    network = ShapeNetwork(**paper_arguments | {"structures": structures}).eval()
    with torch.no_grad():
        vertices = network(torch.randn(1, 1, 32, 32, 32))
    sphere, _ = icosphere(4)
    assert vertices.shape == (1, structures, 2562, 3)
    torch.testing.assert_close(vertices[0, 0], 0.5 * sphere.float())  # the exits start at zero


def test_default_returns_what_the_metadata_promise(default_arguments):
    network = ShapeNetwork(**default_arguments).eval()
    with torch.no_grad():
        vertices = network(torch.randn(2, 1, 32, 32, 32))
        meshes, logits = network.stages_and_segmentation(torch.randn(2, 1, 32, 32, 32))
    assert vertices.shape == (2, 2, 2562, 3) and vertices.dtype == torch.float32
    assert [mesh.shape for mesh in meshes] == [(2, 2, 2562, 3)] * 4
    assert logits.shape == (2, 3, 16, 16, 16)
    assert network.faces.shape == (5120, 3)


def test_the_control_vertices_move_alike_whatever_rides_along(default_arguments):
    torch.manual_seed(0)
    coarse, fine = (ShapeNetwork(**default_arguments | {"subdivisions": number}).eval() for number in (3, 4))
    for stage in fine.stages:
        torch.nn.init.normal_(stage.exit.lins[0].weight, std=0.1)
    coarse.load_state_dict(fine.state_dict())
    image = torch.randn(1, 1, 32, 32, 32)
    with torch.no_grad():
        few, many = coarse.stages_and_segmentation(image)[0], fine.stages_and_segmentation(image)[0]
        torch.testing.assert_close(fine(image), many[-1], rtol=0, atol=0)
    for control, mesh in zip(few, many, strict=True):
        assert control.shape[2] == 642 and mesh.shape[2] == 2562
        torch.testing.assert_close(mesh[:, :, :642], control, rtol=0, atol=1e-6)


def test_a_case_does_not_depend_on_its_batch(default_arguments):
    torch.manual_seed(1)
    network = ShapeNetwork(**default_arguments).eval()
    for stage in network.stages:
        torch.nn.init.normal_(stage.exit.lins[0].weight, std=0.1)
    images = torch.randn(2, 1, 32, 32, 32)
    with torch.no_grad():
        together = network(images)
        alone = torch.cat([network(images[:1]), network(images[1:])])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-4)  # float32: the order of summation differs


@pytest.mark.parametrize("name", ["default_arguments", "paper_arguments"])
def test_scripts_and_every_parameter_trains(name, request):
    torch.manual_seed(2)
    network = ShapeNetwork(**request.getfixturevalue(name)).eval()
    image = torch.randn(1, 1, 32, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(torch.jit.script(network)(image), network(image))
    for stage in network.stages:
        torch.nn.init.normal_(stage.exit.lins[0].weight, std=0.1)
        torch.nn.init.normal_(stage.exit.lins[1].weight, std=0.1)
    meshes, logits = network.stages_and_segmentation(image)
    (sum(mesh.square().sum() for mesh in meshes) + logits.square().sum()).backward()
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == []


def test_placement_finds_chambers_and_keeps_them_apart(default_arguments):
    initialization = ShapeNetwork(**default_arguments).initialization
    left, right = blob((-0.2, 0.1, 0.0), 0.25), blob((0.3, 0.1, 0.0), 0.24)
    stray = blob((0.9, 0.9, 0.9), 0.08)
    logits = 8.0 * torch.stack([~(left | right | stray), left | stray, right]).float()[None]
    sphere = icosphere(3)[0].float()
    vertices = initialization(sphere, logits)
    # level voxel j lies on crop voxel 2 j: half a level voxel off the centre of linspace coordinates
    torch.testing.assert_close(vertices[0].mean(1), torch.tensor([[-0.2, 0.1, 0], [0.3, 0.1, 0]]), rtol=0, atol=0.02)
    radius = (vertices[0] - vertices[0].mean(1, keepdim=True)).norm(dim=-1).mean(1)
    assert (radius < 0.25).all() and (radius > 0.15).all()
    gap = torch.cdist(vertices[0, 0], vertices[0, 1]).min()
    assert gap > 0.01


def test_placement_shrinks_overlapping_chambers(default_arguments):
    initialization = ShapeNetwork(**default_arguments).initialization
    outer = blob((0.0, 0.0, 0.0), 0.5)
    inner = blob((0.35, 0.0, 0.0), 0.2)
    logits = 8.0 * torch.stack([~(outer | inner), outer & ~inner, inner]).float()[None]
    vertices = initialization(icosphere(3)[0].float(), logits)
    assert torch.cdist(vertices[0, 0], vertices[0, 1]).min() > 0
    centres = vertices[0].mean(1)
    for a, b in ((0, 1), (1, 0)):
        reach = (vertices[0, a] - centres[a]).norm(dim=-1).max()
        assert (vertices[0, b] - centres[a]).norm(dim=-1).min() > 0.5 * reach


def test_missing_chambers_get_a_fallback(default_arguments):
    initialization = ShapeNetwork(**default_arguments).initialization
    logits = torch.zeros(1, 3, 32, 32, 32)
    logits[:, 0] = 8.0
    vertices = initialization(icosphere(2)[0].float(), logits)
    assert torch.isfinite(vertices).all() and vertices.abs().max() < 1


def test_contradicting_choices_are_refused(default_arguments):
    with pytest.raises(ValueError, match="initialization must be one of"):
        ShapeNetwork(**default_arguments | {"initialization": "elsewhere"})
    with pytest.raises(ValueError, match="subdivisions must equal"):
        ShapeNetwork(**default_arguments | {"deformation": "offset"})
    with pytest.raises(ValueError, match="one width per stage"):
        ShapeNetwork(**default_arguments | {"flow_widths": [0.1]})
    with pytest.raises(ValueError, match="not divisible by 32"):
        ShapeNetwork(**default_arguments)(torch.zeros(1, 1, 40, 32, 32))


@pytest.mark.parametrize("size", [32, 64])
def test_mixed_precision_gives_sound_gradients(default_arguments, size):
    """Where a level has 2x2x2 voxels, bfloat16 on the CPU would give random weight gradients."""
    torch.manual_seed(0)
    network = ShapeNetwork(**default_arguments)
    image = torch.randn(1, 1, size, size, size)
    gradients = []
    for amp in (False, True):
        network.amp = amp
        network.zero_grad()
        network.segment(image).square().mean().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in network.unet.parameters()]))
    assert torch.nn.functional.cosine_similarity(*gradients, dim=0) > 0.98
