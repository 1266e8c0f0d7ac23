import torch

from custom.networks.deformation import KernelFlow
from custom.template import icosphere


def spheres(radius=0.3):
    """Two fine spheres side by side, and the faces of the coarse ones that their first vertices make."""
    sphere, _ = icosphere(3)
    _, faces = icosphere(2)
    centres = torch.tensor([[-0.4, 0, 0], [0.4, 0, 0]], dtype=torch.float64)
    return (centres[:, None] + radius * sphere)[None].float(), faces


def flow_by_definition(vertices, velocity, controls, width, steps):
    """v(x) = sum_j K(x - x_j) u_j / (sum_j K(x - x_j) + 0.5), in float64."""
    x, u = vertices.double().flatten(1, 2)[0], velocity.double()
    chosen = torch.arange(len(x)).view(2, -1)[:, :controls].flatten()
    for _ in range(steps):
        kernel = (-0.5 * torch.cdist(x, x[chosen]).square() / width**2).exp()
        x = x + kernel @ u / (kernel.sum(1, keepdim=True) + 0.5) / steps
    return x.view_as(vertices[0])


def test_the_flow_is_the_formula():
    vertices, faces = spheres()
    output = torch.randn(1, 2, 162, 4, generator=torch.manual_seed(0))
    output[..., 3] = 0
    for stage, width in enumerate((0.12, 0.03)):
        flow = KernelFlow([0.12, 0.03], steps=3)
        expected = flow_by_definition(vertices, 0.1 * output[0, ..., :3].flatten(0, 1), 162, width, 3)
        moved = flow(vertices, output, faces, stage)
        torch.testing.assert_close(moved[0].double(), expected, rtol=0, atol=3e-6)  # 0.25 micrometres


def test_the_fourth_output_moves_along_the_normal():
    vertices, faces = spheres()
    output = torch.zeros(1, 2, 162, 4)
    output[:, 0, :, 3] = 1.0
    moved = KernelFlow([0.05], steps=2)(vertices, output, faces, 0)
    outward = (moved - vertices)[0, 0]
    radial = torch.nn.functional.normalize(vertices[0, 0] - vertices[0, 0].mean(0), dim=-1)
    assert ((outward * radial).sum(-1) > 0.9 * outward.norm(dim=-1)).all() and outward.norm(dim=-1).min() > 0.02
    torch.testing.assert_close(moved[0, 1], vertices[0, 1], rtol=0, atol=1e-3)  # the other is far away
