"""The network by TorchScript, torch.export and ONNX: the vertices of eager mode, on images it was not exported with."""

from __future__ import annotations

import pytest
import torch

from custom.inputs import InputError
from custom.networks import ExportedNetwork, ShapeNetwork, export_network
from custom.networks.blocks.initialization import largest_component

HALF_SIDE = 127 / 2 * 1.3
"""mm of half the crop's side, one normalised unit."""


class LargestComponent(torch.nn.Module):
    def forward(self, mask: torch.Tensor) -> torch.Tensor:
        return largest_component(mask)


def serpentine(size: int) -> torch.Tensor:
    """A path that winds through a plane, which takes many more steps to walk than its cube is wide, and a block."""
    mask = torch.zeros(1, 1, size, size, size, dtype=torch.bool)
    for row in range(0, size, 8):
        mask[..., 0, row : row + 2, :] = True
        if row + 8 < size:
            end = slice(size - 2, size) if row % 16 == 0 else slice(0, 2)
            mask[..., 0, row : row + 10, end] = True
    mask[..., 6:10, 6:10, 6:10] = True
    return mask


def test_an_exported_search_for_components_ends_when_it_is_done():
    winding = serpentine(32)
    blocks = torch.zeros_like(winding)
    blocks[..., :6, :6, :6] = blocks[..., 20:28, 20:28, 20:28] = True
    program = torch.export.export(LargestComponent(), (blocks,)).module()
    for mask in (blocks, winding, torch.zeros_like(blocks)):
        torch.testing.assert_close(program(mask), largest_component(mask), rtol=0, atol=0)
    assert largest_component(winding)[..., 0, :, :].sum() == winding[..., 0, :, :].sum()  # the path, unbroken
    assert not largest_component(winding)[..., 6:10, 6:10, 6:10].any()


def chambers(seed: int, size: int = 64) -> torch.Tensor:
    """Two bright balls in noisy tissue (1, 1, size, size, size), windowed."""
    generator = torch.Generator().manual_seed(seed)
    axes = torch.meshgrid(*(torch.linspace(-1, 1, size),) * 3, indexing="ij")
    image = -0.3 + 0.05 * torch.randn((size,) * 3, generator=generator)
    for centre in ((0.0, -0.3, 0.15), (-0.3, 0.2, -0.2)):
        moved = torch.tensor(centre) + 0.1 * torch.randn(3, generator=generator)
        image[(torch.stack(axes, -1) - moved).norm(dim=-1) < 0.35] = 0.5
    return image[None, None]


@pytest.fixture(scope="module")
def shipped() -> ShapeNetwork:
    from custom import load_model

    return load_model(device="cpu").network


@pytest.mark.slow
def test_an_exported_file_gives_the_vertices_of_eager_mode(shipped, tmp_path):
    export_network(shipped, tmp_path / "model.onnx", (64, 64, 64))
    exported = ExportedNetwork(tmp_path / "model.onnx", 4)
    torch.testing.assert_close(exported.faces, shipped.faces)
    for seed in (0, 1):
        stages, logits = shipped.stages_and_segmentation(chambers(seed))
        others, other_logits = exported.stages_and_segmentation(chambers(seed))
        assert (others[-1] - stages[-1]).abs().max() * HALF_SIDE < 1e-3  # mm
        torch.testing.assert_close(other_logits, logits, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(exported(chambers(seed)), others[-1], rtol=0, atol=0)


def test_other_endings_are_refused(default_arguments, tmp_path):
    network = ShapeNetwork(**default_arguments)
    with pytest.raises(InputError, match=r"model.h5: an exported network is ONNX"):
        export_network(network, tmp_path / "model.h5", (32, 32, 32))
    with pytest.raises(InputError, match=r"model.pt: an exported network is ONNX"):
        ExportedNetwork(tmp_path / "model.pt", 4)


@pytest.mark.slow
def test_torchscript_gives_what_quality_checks_ask_for_too(shipped, tmp_path):
    torch.jit.save(torch.jit.script(shipped), tmp_path / "model.ts")
    loaded = torch.jit.load(tmp_path / "model.ts")
    image = chambers(1)
    stages, logits = shipped.stages_and_segmentation(image)
    others, other_logits = loaded.stages_and_segmentation(image)
    assert (loaded(image) - stages[-1]).abs().max() * HALF_SIDE < 1e-3  # mm
    assert (others[-1] - stages[-1]).abs().max() * HALF_SIDE < 1e-3
    torch.testing.assert_close(other_logits, logits, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(loaded.faces, shipped.faces)
