import torch
from torch.nn import functional as F

from custom.baselines import OccupancyTraining
from custom.baselines.occupancy_network import PointBlock
from custom.frames import voxel_to_normalised
from custom.sampling import sample

UNET = {"encoder_channels": [8, 8, 16], "decoder_channels": [8, 8], "first_stride": 2, "channels_per_group": 4}
SMALL = {"unet": UNET | {"dropout": 0.0}, "levels": [1], "channels": 16, "blocks": 2, "chunk": 1000}


def test_a_class_for_every_voxel_whatever_the_chunk(build):
    network = build("occupancy", **SMALL).eval()
    image = torch.rand(2, 1, 32, 32, 64) * 2 - 1
    with torch.no_grad():
        logits = network(image)
        network.chunk = 10**6
        whole = network(image)
        voxels = torch.tensor([[3.0, 17.0, 40.0], [30.0, 0.0, 63.0]])
        points = voxel_to_normalised(voxels, image.shape[2:]).expand(2, -1, -1)
        some = network.classes_at(network.volumes(image), points)
    assert logits.shape == (2, 3, 32, 32, 64) and logits.dtype == torch.float32
    torch.testing.assert_close(logits, whole)
    for index, (i, j, k) in enumerate(voxels.long().tolist()):  # the grid's points are its voxels
        torch.testing.assert_close(some[:, index], logits[:, :, i, j, k], atol=1e-5, rtol=1e-4)


def test_gradient_of_a_block():
    torch.manual_seed(0)
    block = PointBlock(3, 4).double()
    hidden, seen = (torch.randn(1, 5, size, dtype=torch.float64, requires_grad=True) for size in (4, 3))
    assert torch.autograd.gradcheck(block, (hidden, seen))


def test_the_target_is_the_label_at_the_points(build, balls):
    """What knows the labels has the least loss that soft targets allow, and shifted labels a greater one."""
    network = build("occupancy", **SMALL)
    training = OccupancyTraining(network, 500, 0.5, 0.1)
    image, label = balls
    losses = []
    for shift in (0, 1, 3):
        known = torch.cat([label.roll(shift, 3) == number for number in range(3)], 1).float()
        network.classes_at = lambda volumes, points, known=known: sample(known, points).clamp(min=1e-6).log()
        torch.manual_seed(0)
        losses.append(float(training(image, label, 0.0)["loss"]))
    assert losses[0] < 0.3 * losses[1] < 0.3 * losses[2]


def test_it_learns_the_labels(build, balls):
    network = build("occupancy", **SMALL)
    training = OccupancyTraining(network, 500, 0.5, 0.1)
    optimizer = torch.optim.AdamW(training.parameters(), 1e-2)
    losses = []
    for _ in range(40):
        terms = training(*balls, 0.0)
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
        losses.append(float(terms["loss"].detach()))
    assert list(terms) == ["loss"] and losses[-1] < 0.4 * losses[0]
    assert all(parameter.grad is not None for parameter in training.parameters())
    with torch.no_grad():
        assert F.cross_entropy(network(balls[0]), balls[1][:, 0].long()) < 0.4
