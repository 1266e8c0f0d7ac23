import math

import pytest
import torch
from torch.nn import functional as F

from custom.sampling import level_coordinates
from custom.supervision import ExactSupervision, ShapeLoss
from custom.supervision.losses import laplacian_loss, segmentation_losses, soft_occupancy_loss, stray_loss
from custom.supervision.sample_points import sample_points, surface_voxels
from custom.supervision.shape_loss import cosine
from custom.template import GraphOperator, chebyshev_operator, icosphere


def ball(radius, size=32, centre=(0.0, 0.0, 0.0)):
    points = level_coordinates(torch.zeros(1, 1, size, size, size), 1)
    return ((points - torch.tensor(centre)).norm(dim=1) < radius).view(size, size, size)


def operator_of(faces, dtype=torch.float32):
    operator = chebyshev_operator(faces)
    return GraphOperator(operator.neighbours, operator.weights.to(dtype))


def test_the_right_surface_costs_least():
    torch.manual_seed(0)
    sphere, faces = icosphere(3)
    mask = ball(0.5)[None]
    losses = [
        float(soft_occupancy_loss((radius * sphere).float()[None], faces, mask, 0.02, 4000, 0.1))
        for radius in (0.4, 0.5, 0.6)
    ]
    assert losses[1] < 0.5 * min(losses[0], losses[2])


def test_a_lost_mesh_comes_home():
    """From off-centre and too small, labels alone pull every vertex onto the label's surface."""
    torch.manual_seed(0)
    sphere, faces = icosphere(2)
    operator = operator_of(faces)
    mask = ball(0.45, centre=(0.2, -0.1, 0.1))[None]
    vertices = (0.15 * sphere + torch.tensor([-0.3, 0.2, -0.1])).float()[None].requires_grad_()
    optimiser = torch.optim.Adam([vertices], lr=0.02)
    for step in range(150):
        tau = cosine(0.05, 0.01, step / 100)
        loss = soft_occupancy_loss(vertices, faces, mask, tau, 1500, 0.1) + 5 * laplacian_loss(vertices, operator)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    radius = (vertices.detach()[0] - torch.tensor([0.2, -0.1, 0.1])).norm(dim=1)
    assert abs(float(radius.mean()) - 0.45) < 0.02 and float(radius.std()) < 0.02


def test_structures_without_label_do_not_count():
    sphere, faces = icosphere(1)
    vertices = (0.3 * sphere).float().expand(2, -1, -1).clone().requires_grad_()
    masks = torch.stack([torch.zeros(16, 16, 16, dtype=torch.bool), ball(0.5, 16)])
    soft_occupancy_loss(vertices, faces, masks, 0.05, 500, 0.1).backward()
    assert vertices.grad[0].abs().max() == 0 and vertices.grad[1].abs().max() > 0
    nothing = soft_occupancy_loss(vertices, faces, masks[:1].expand(2, -1, -1, -1), 0.05, 500, 0.1)
    assert nothing.tolist() == [0]


def test_points_are_near_label_and_mesh():
    torch.manual_seed(0)
    mask, corners = ball(0.5)[None], torch.tensor([[-0.8, -0.8, -0.8], [0.8, -0.8, -0.8], [-0.8, -0.79, -0.8]])
    points = sample_points(mask, corners[None], torch.tensor([[0, 1, 2]]), 2000, 0.05)[0]
    assert points.abs().max() <= 1
    near_label = (points[:900].norm(dim=1) - 0.5).abs()
    assert near_label.max() < 0.05 * math.sqrt(3) + 0.15  # scatter plus a voxel
    assert (points[900:1700, 1:] + 0.8).abs().mean() < 0.06
    assert abs(float(points[900:1700, 0].mean()) + 0.27) < 0.1  # all along the long triangle, not at its corners
    assert surface_voxels(torch.ones(4, 4, 4, dtype=torch.bool)).shape == (0, 3)


def test_strays_are_pulled_to_the_label_and_others_are_left_alone():
    mask = ball(0.5, 64)[None]
    direction = F.normalize(torch.tensor([1.0, 2.0, -1.0]), dim=0)
    for radius, pulled in ((0.2, False), (0.45, False), (0.52, False), (0.7, True), (0.95, True), (1.3, True)):
        points = (radius * direction).view(1, 1, 3).requires_grad_()
        loss = stray_loss(points, mask, 0.06)
        loss.backward()
        if pulled:
            assert loss.item() == pytest.approx(radius - 0.5 - 0.06, abs=2 / 63)
            assert F.cosine_similarity(points.grad.flatten(), direction, dim=0) > 0.95
        else:
            assert loss == 0 and points.grad.abs().max() == 0
    nothing = stray_loss(torch.rand(2, 5, 3), torch.zeros(2, 8, 8, 8, dtype=torch.bool), 0.06)
    assert nothing == 0


def test_stray_gradient():
    points = (0.9 * F.normalize(torch.randn(1, 7, 3, generator=torch.manual_seed(0)), dim=-1)).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda p: stray_loss(p, ball(0.4, 32)[None], 0.05), points, nondet_tol=1e-10)


def test_laplacian_ignores_position_and_sees_roughness():
    sphere, faces = icosphere(3)
    operator = operator_of(faces, torch.float64)
    smooth = sphere[None]
    rough = smooth * (1 + 0.1 * torch.randn(1, len(sphere), 1, dtype=torch.float64, generator=torch.manual_seed(0)))
    assert torch.isclose(laplacian_loss(smooth, operator), laplacian_loss(smooth + 3.0, operator))
    assert laplacian_loss(rough, operator) > 10 * laplacian_loss(smooth, operator)
    vertices = rough.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda v: laplacian_loss(v, operator), vertices, nondet_tol=1e-10)


@pytest.mark.parametrize("stride", [1, 2])
def test_segmentation_target_sits_on_the_level(stride):
    labels = ball(0.5, 16).long()[None, None]
    at_level = labels[:, :, ::stride, ::stride, ::stride]
    logits = 12.0 * torch.stack([at_level[:, 0] == 0, at_level[:, 0] == 1, at_level[:, 0] == 2], 1).float()
    right = segmentation_losses(logits, labels, stride)
    shifted = segmentation_losses(logits.roll(1, dims=2), labels, stride)
    empty = segmentation_losses(torch.zeros_like(logits), labels, stride)
    assert right["dice"] < shifted["dice"] < empty["dice"]
    assert right["cross_entropy"] < min(shifted["cross_entropy"], empty["cross_entropy"])


def test_schedule_and_terms():
    assert cosine(20.0, 3.0, -1) == cosine(20.0, 3.0, 0) == 20.0
    assert cosine(20.0, 3.0, 1) == cosine(20.0, 3.0, 2) == 3.0
    assert math.isclose(cosine(20.0, 3.0, 0.5), 11.5)
    sphere, faces = icosphere(1)
    supervision = CountedSupervision(points=200, spread=0.1)
    loss = ShapeLoss((0.05, 0.01), (20.0, 3.0), 0.7, 0.0, 1.0, False, 5.0, 0.03, 2.0, 3.0, supervision)
    labels = ball(0.5, 16).long()[None, None] * 2
    logits = torch.zeros(1, 3, 16, 16, 16)
    meshes = [0.4 * sphere.float().expand(1, 2, -1, -1)] * 2
    output = loss(meshes, faces, operator_of(faces), logits, labels, 1, 1.0)
    assert supervision.calls == 1  # stages without weight cost nothing
    expected = 2 * output["dice"] + 3 * output["cross_entropy"] + output["occupancy"] + 6 * output["smoothness"]
    expected = expected + 5 * output["stray"]
    torch.testing.assert_close(output["loss"], expected)
    relative = ShapeLoss((0.05, 0.01), (20.0, 3.0), 0.7, 0.0, 0.0, True, 0.0, 0.0, 0.0, 0.0, supervision)
    output = relative(meshes, faces, operator_of(faces), logits, labels, 1, 0.0)
    torch.testing.assert_close(output["loss"], (output["occupancy"] + 1e-3).log() + 20 * output["smoothness"])
    before = loss([], faces, operator_of(faces), logits, labels, 1, -1.0)
    assert set(before) == {"loss", "dice", "cross_entropy"}
    torch.testing.assert_close(before["loss"], 2 * before["dice"] + 3 * before["cross_entropy"])


class CountedSupervision(ExactSupervision):
    calls = 0

    def __call__(self, *arguments):
        self.calls += 1
        return super().__call__(*arguments)
