"""Parts of networks and losses that take another way on a device give what the CPU gives."""

from __future__ import annotations

import torch

from custom.geometry.pairs import nearest
from custom.networks.blocks.deformation import KernelFlow
from custom.supervision.losses import stray_loss
from custom.template import icosphere
from custom.training import VoxeliseMeshesd


def spheres() -> tuple[torch.Tensor, torch.Tensor]:
    """Two side by side, (1, 2, V, 3) normalised, and their faces."""
    sphere, faces = icosphere(3)
    centres = torch.tensor([[-0.4, 0.0, 0.0], [0.4, 0.1, 0.0]])
    return (centres[:, None] + 0.3 * sphere.float())[None], faces


def test_nearest_points():
    points, others = torch.rand(2, 2, 500, 3, generator=torch.manual_seed(0))
    found = nearest(points.cuda(), others.cuda())
    assert found.is_cuda and torch.equal(found.cpu(), nearest(points, others))


def test_the_flow_and_its_gradient():
    vertices, faces = spheres()
    output = torch.randn(1, 2, 642, 4, generator=torch.manual_seed(0))
    moved, gradients = [], []
    for device in ("cpu", "cuda"):
        offsets = output.to(device, copy=True).requires_grad_()
        there = KernelFlow([0.1], 2, icosphere(3)[0], 642)(vertices.to(device), offsets, faces.to(device), 0)
        there.square().sum().backward()
        moved.append(there.detach().cpu())
        gradients.append(offsets.grad.cpu())
    torch.testing.assert_close(*moved, rtol=0, atol=2e-6)
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)


def test_masks_lie_where_the_vertices_do():
    vertices, faces = spheres()
    image = torch.zeros(1, 24, 24, 24)
    here = VoxeliseMeshesd("pred", "image", faces)({"pred": vertices[0], "image": image})["pred"]
    there = VoxeliseMeshesd("pred", "image", faces)({"pred": vertices[0].cuda(), "image": image.cuda()})["pred"]
    assert there.is_cuda and torch.equal(there.cpu(), here)


def test_strayed_vertices():
    vertices, _ = spheres()
    masks = torch.zeros(2, 24, 24, 24, dtype=torch.bool)
    masks[:, 8:14, 8:14, 8:14] = True
    here = stray_loss(vertices[0], masks, 0.03)
    torch.testing.assert_close(stray_loss(vertices[0].cuda(), masks.cuda(), 0.03).cpu(), here)
