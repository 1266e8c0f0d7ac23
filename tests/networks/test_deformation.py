import torch
from torch.utils._python_dispatch import TorchDispatchMode

from custom.networks.blocks.deformation import KernelFlow
from custom.template import icosphere

TEMPLATE = icosphere(3)[0], 162


class Largest(TorchDispatchMode):
    """Elements of the largest tensor that an operator gives while it lasts."""

    elements = 0

    def __torch_dispatch__(self, operator, types, arguments=(), keywords=None):
        result = operator(*arguments, **(keywords or {}))
        if isinstance(result, torch.Tensor):
            self.elements = max(self.elements, result.numel())
        return result


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
        flow = KernelFlow([0.12, 0.03], 3, *TEMPLATE)
        expected = flow_by_definition(vertices, 0.1 * output[0, ..., :3].flatten(0, 1), 162, width, 3)
        moved = flow(vertices, output, faces, stage)
        torch.testing.assert_close(moved[0].double(), expected, rtol=0, atol=3e-6)  # 0.25 micrometres


def test_the_fourth_output_moves_along_the_normal():
    vertices, faces = spheres()
    output = torch.zeros(1, 2, 162, 4)
    output[:, 0, :, 3] = 1.0
    moved = KernelFlow([0.05], 2, *TEMPLATE)(vertices, output, faces, 0)
    outward = (moved - vertices)[0, 0]
    radial = torch.nn.functional.normalize(vertices[0, 0] - vertices[0, 0].mean(0), dim=-1)
    assert ((outward * radial).sum(-1) > 0.9 * outward.norm(dim=-1)).all() and outward.norm(dim=-1).min() > 0.02
    torch.testing.assert_close(moved[0, 1], vertices[0, 1], rtol=0, atol=1e-3)  # the other is far away


def test_gradients_are_those_of_the_formula_with_the_kernel_taken_as_constant():
    vertices, faces = spheres()
    output = torch.randn(1, 2, 162, 4, generator=torch.manual_seed(0)).requires_grad_()
    wanted = torch.randn(1, 2, 642, 3, generator=torch.manual_seed(1))
    moved = KernelFlow([0.12], 1, *TEMPLATE)(vertices, output, faces, 0)
    (moved * wanted).sum().backward()
    x = vertices.double().flatten(1, 2)[0]
    chosen = torch.arange(len(x)).view(2, -1)[:, :162].flatten()
    kernel = (-0.5 * torch.cdist(x, x[chosen]).square() / 0.12**2).exp()
    expected = 0.1 * (kernel / (kernel.sum(1, keepdim=True) + 0.5)).T @ wanted.double().flatten(1, 2)[0]
    found = output.grad[0, ..., :3].flatten(0, 1).double()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_no_tensor_grows_with_the_square_of_the_points():
    sphere, faces = icosphere(4)
    vertices = 0.3 * sphere.float().expand(1, 2, -1, -1)
    output = torch.randn(1, 2, len(sphere), 4, generator=torch.manual_seed(0)).requires_grad_()
    with Largest() as largest:
        KernelFlow([0.1], 1, sphere, len(sphere))(vertices, output, faces, 0).sum().backward()
    assert output.grad.abs().max() > 0
    assert largest.elements < (2 * len(sphere)) ** 2 / 50
