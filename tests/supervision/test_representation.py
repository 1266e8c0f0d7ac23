import math

import pytest
import torch

from custom.geometry.distance_field import cube_distance_field
from custom.networks import RepresentationNetwork
from custom.sampling import level_coordinates
from custom.supervision import DistanceLoss, ExactSupervision, RepresentationSupervision, ShapeLoss
from custom.template import GraphOperator, chebyshev_operator, icosphere


def test_distance_loss_weighs_by_closeness_and_sums_over_levels():
    distance = torch.tensor([0.0, math.sqrt(12), math.sqrt(3)]).view(1, 1, 3, 1, 1)
    off = distance + torch.tensor([1.0, 5.0, 3.0]).view(1, 1, 3, 1, 1).expand(-1, 2, -1, -1, -1)
    for exponent, half in ((2, 0.25), (20, 0.5**20)):  # the weight half a diagonal away
        loss = DistanceLoss(exponent)
        one = (1.0 + half * 9.0) / (1.0 + half)
        torch.testing.assert_close(loss(off, distance), torch.tensor(2 * one))
        torch.testing.assert_close(loss(off[:, :1], distance), torch.tensor(one))
        assert loss(distance, distance) == 0


def test_distance_loss_counts_every_surface_alike():
    near, far = torch.zeros(1, 1, 4, 4, 4), torch.full((1, 1, 4, 4, 4), 2.0)
    far[..., 0] = 0.0  # a small surface: few voxels near it
    loss = DistanceLoss(20)
    both = loss(torch.cat([near + 1, far + 2]), torch.cat([near, far]))
    torch.testing.assert_close(both, (loss(near + 1, near) + loss(far + 2, far)) / 2)


class SphereField(RepresentationNetwork):
    """A representation network that knows spheres exactly: distance to the vertices' mean radius about their mean."""

    def forward(self, vertices):
        centre = vertices.mean(1)
        radius = (vertices - centre.unsqueeze(1)).norm(dim=-1).mean(1)
        points = level_coordinates(vertices.new_zeros(1, 1, self.size, self.size, self.size), 1)
        field = (points - centre.unsqueeze(1)).norm(dim=-1) - radius.unsqueeze(1)
        return field.view(-1, 1, self.size, self.size, self.size)


def supervise(network, folder, learning_rate=1e-3, interval=1):
    """Supervision by `network` as if its present weights were the pretrained ones."""
    weights = folder / "g.pt"
    torch.save(network.state_dict(), weights)
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate)
    return RepresentationSupervision(network, optimizer, DistanceLoss(20), str(weights), interval)


def test_labels_alone_move_a_sphere_home(tmp_path):
    points = level_coordinates(torch.zeros(1, 1, 32, 32, 32), 1)
    target = torch.tensor([0.2, -0.1, 0.1])
    mask = ((points - target).norm(dim=1) < 0.45).view(1, 32, 32, 32)
    occupancy = supervise(SphereField(32, 8, [8, 8], 0.1, 1, False), tmp_path)
    sphere, faces = icosphere(1)
    vertices = (0.3 * sphere.float())[None].requires_grad_()
    optimiser = torch.optim.Adam([vertices], lr=0.02)
    for _ in range(60):
        optimiser.zero_grad()
        occupancy(vertices, faces, mask, 0.03).backward()
        optimiser.step()
    assert (vertices.detach().mean(1) - target).norm() < 0.02
    assert abs(float((vertices.detach() - target).norm(dim=-1).mean()) - 0.45) < 0.02


def test_the_network_is_frozen_and_the_vertices_are_not(tmp_path):
    torch.manual_seed(0)
    g = RepresentationNetwork(16, 8, [16, 8], 0.1, 1, False)
    occupancy = supervise(g, tmp_path)
    assert not g.training and not any(parameter.requires_grad for parameter in g.parameters())
    sphere, faces = icosphere(1)
    vertices = (0.5 * sphere.float()).expand(2, -1, -1).clone().requires_grad_()
    masks = torch.zeros(2, 16, 16, 16, dtype=torch.bool)
    assert float(occupancy(vertices, faces, masks, 0.05)) == 0
    masks[1, 4:12, 4:12, 4:12] = True
    occupancy(vertices, faces, masks, 0.05).backward()
    assert vertices.grad[0].abs().max() == 0 and vertices.grad[1].abs().max() > 0
    assert all(parameter.grad is None for parameter in g.parameters())


def test_meshes_and_labels_that_g_does_not_know_are_refused(tmp_path):
    occupancy = supervise(RepresentationNetwork(16, 8, [16, 8], 0.1, 1, False), tmp_path)
    masks = torch.ones(1, 16, 16, 16, dtype=torch.bool)
    for subdivisions, labels, message in ((2, masks, "80 faces, these have 320"), (1, masks[:, :8], "16 voxels")):
        sphere, faces = icosphere(subdivisions)
        with pytest.raises(ValueError, match=message):
            occupancy(sphere.float()[None], faces, labels, 0.05)


def test_shape_loss_takes_either_supervision(tmp_path):
    sphere, faces = icosphere(1)
    operator = chebyshev_operator(faces)
    operator = GraphOperator(operator.neighbours, operator.weights.float())
    labels = torch.zeros(1, 1, 32, 32, 32, dtype=torch.long)
    labels[:, :, 8:24, 8:24, 8:24] = 1
    exact = ExactSupervision(points=20000, spread=0.5)
    for supervision in (exact, supervise(SphereField(32, 8, [8, 8], 0.1, 1, False), tmp_path)):
        loss = ShapeLoss((0.05, 0.01), (0.0, 0.0), 0.7, 0.0, 0.0, False, 0.0, 0.0, 0.0, 0.0, supervision)
        terms = [
            loss([radius * sphere.float()[None, None]], faces, operator, torch.zeros(1, 2, 32, 32, 32), labels, 1, 0.0)
            for radius in (0.3, 0.6, 0.9)
        ]
        assert terms[1]["loss"] < 0.5 * min(terms[0]["loss"], terms[2]["loss"])


def test_after_the_meshes_g_learns_their_distances_and_can_go_on(tmp_path):
    def fresh():
        torch.manual_seed(0)
        return RepresentationNetwork(16, 8, [16, 8], 0.1, 1, False)

    sphere, faces = icosphere(1)
    vertices = torch.stack([0.4 * sphere, 0.6 * sphere]).float()
    exact = torch.stack([cube_distance_field(mesh, faces, 16) for mesh in vertices]).unsqueeze(1)

    straight = supervise(fresh(), tmp_path)
    before = DistanceLoss(20)(straight.core(vertices), exact)
    for _ in range(20):
        torch.manual_seed(1)
        shown = straight.learn(vertices)
        assert not straight.core.training and not any(weight.requires_grad for weight in straight.core.parameters())
    assert set(shown) == {"representation"}
    assert DistanceLoss(20)(straight.core(vertices), exact) < 0.5 * before

    halves = supervise(fresh(), tmp_path)
    for step in range(20):
        if step == 10:
            state = halves.state_dict()
            halves = supervise(fresh(), tmp_path)
            halves.load_state_dict(state)
        torch.manual_seed(1)
        halves.learn(vertices)
    for one, other in zip(straight.core.parameters(), halves.core.parameters(), strict=True):
        assert torch.equal(one, other)


def test_g_takes_its_turn_after_so_many_steps_and_a_resumed_one_too(tmp_path):
    vertices = 0.5 * icosphere(1)[0].float()[None]
    three = supervise(RepresentationNetwork(16, 8, [16, 8], 0.1, 1, False), tmp_path, interval=3)
    assert [bool(three.learn(vertices)) for _ in range(7)] == [False, False, True, False, False, True, False]
    resumed = supervise(RepresentationNetwork(16, 8, [16, 8], 0.1, 1, False), tmp_path, interval=3)
    resumed.load_state_dict(three.state_dict())
    assert [bool(resumed.learn(vertices)) for _ in range(2)] == [False, True]


def test_missing_weights_are_asked_for(tmp_path):
    g = RepresentationNetwork(16, 8, [16, 8], 0.1, 1, False)
    sphere, faces = icosphere(1)
    labels = torch.ones(1, 16, 16, 16, dtype=torch.bool)
    for weights, said in ((None, "needs weights of g"), (str(tmp_path / "nowhere.pt"), "there is no file nowhere.pt")):
        occupancy = RepresentationSupervision(g, torch.optim.AdamW(g.parameters()), DistanceLoss(20), weights, 1)
        with pytest.raises(ValueError, match=said):
            occupancy(sphere.float()[None], faces, labels, 0.05)
