import pytest
import torch

from custom.baselines import SegmentationNetwork, SegmentationTraining

SMALL = {"encoder_channels": [4, 8], "decoder_channels": [4], "channels_per_group": 1, "dropout": 0.0}


def test_a_class_for_every_voxel(build):
    network = build("unet").eval()
    with torch.no_grad():
        logits = network(torch.rand(2, 1, 32, 48, 16))
    assert logits.shape == (2, 3, 32, 48, 16) and logits.dtype == torch.float32


def test_a_coarser_output_is_refused():
    with pytest.raises(ValueError, match="first_stride must be 1"):
        SegmentationNetwork(2, SMALL | {"first_stride": 2})


def test_it_learns_the_labels(build, balls):
    training = SegmentationTraining(build("unet", unet=SMALL | {"first_stride": 1}), 2.0, 3.0)
    optimizer = torch.optim.AdamW(training.parameters(), 1e-2)
    losses = []
    for _ in range(12):
        terms = training(*balls, 0.0)
        losses.append(float(terms["loss"].detach()))
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
    assert list(terms) == ["loss", "dice", "cross_entropy"] and training.after_step() == {}
    assert terms["loss"].item() == pytest.approx(2 * terms["dice"].item() + 3 * terms["cross_entropy"].item())
    assert losses[-1] < 0.7 * losses[0]
    assert all(parameter.grad is not None for parameter in training.parameters())
