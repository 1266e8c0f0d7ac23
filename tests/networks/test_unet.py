"""The U-Net's convolutions, and who computes them."""

from __future__ import annotations

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from custom.networks.blocks.unet import Convolution, UNet

onednn = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch was built without oneDNN")


@pytest.mark.parametrize(("channels", "size", "stride"), [(64, 16, 1), (8, 5, 2), (1, 4, 1), (3, 40, 2)])
def test_convolutions_are_those_of_torch_in_float64_with_their_gradients(channels, size, stride):
    torch.manual_seed(0)
    ours = Convolution(channels, 6, 3, stride=stride, padding=1)
    exact = torch.nn.Conv3d(channels, 6, 3, stride=stride, padding=1).double()
    exact.load_state_dict(ours.state_dict())
    image = torch.randn(1, channels, size, size, size)
    grown, wanted = [], []
    for convolution, kind, kept in ((ours, torch.float32, grown), (exact, torch.float64, wanted)):
        x = image.clone().to(kind).requires_grad_()
        y = convolution(x)
        (y * torch.linspace(-1, 1, y.numel(), dtype=kind).view_as(y)).sum().backward()
        kept += [y, x.grad, convolution.weight.grad, convolution.bias.grad]
    for one, other in zip(grown, wanted, strict=True):
        assert one.dtype == torch.float32 and one.layout == torch.strided
        torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=1e-4 * float(other.abs().max()))


@onednn
def test_no_convolution_of_a_training_step_takes_torchs_slow_kernel():
    network = UNet(3, [8, 16, 16], [8, 16], first_stride=2, channels_per_group=8, dropout=0.0)
    image = torch.randn(1, 1, 32, 32, 32)
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        features, logits = network.decode(network.encode(image))
        logits.sum().backward()
    kernels = {event.key for event in profiled.key_averages()}
    assert "aten::slow_conv3d_forward" in kernels  # of the classes alone, 1 x 1 x 1
    slow = [event.count for event in profiled.key_averages() if event.key == "aten::slow_conv3d_forward"]
    assert slow == [1] and "aten::mkldnn_convolution" in kernels
    assert all(feature.layout == torch.strided for feature in features)


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16])
def test_other_precisions_and_batches_are_computed_as_before(kind):
    convolution = Convolution(4, 4, 3, padding=1).to(kind)
    images = torch.randn(2, 4, 6, 6, 6, dtype=kind)
    for given in (images, images[:1]):
        torch.testing.assert_close(convolution(given), torch.nn.Conv3d.forward(convolution, given), rtol=0, atol=0)


def test_under_autocast_and_scripted():
    convolution = Convolution(4, 4, 3, padding=1)
    image = torch.randn(1, 4, 6, 6, 6)
    with torch.autocast("cpu", torch.bfloat16):
        assert convolution(image).dtype == torch.bfloat16
    torch.testing.assert_close(torch.jit.script(convolution)(image), convolution(image))
