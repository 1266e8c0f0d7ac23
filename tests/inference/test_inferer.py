"""Test-time augmentation: the surfaces of varied images come back to where the heart is."""

from __future__ import annotations

import torch
from torch import nn

from custom.frames import voxel_to_normalised
from custom.inference import SurfaceInferer

SHAPE = (24, 20, 28)


class Brightest(nn.Module):
    """Two surfaces of one vertex each: where the brightest voxel is, and (its value above the lowest, three times)."""

    faces = torch.zeros(1, 3, dtype=torch.int64)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        flat = image.flatten(1)
        place = torch.stack(torch.unravel_index(flat.argmax(1), SHAPE), -1).float()
        value = (flat.amax(1) + 1)[:, None].expand(-1, 3)
        return torch.stack([voxel_to_normalised(place, SHAPE), value], 1)[:, :, None]

    def stages_and_segmentation(self, image: torch.Tensor) -> tuple[list, torch.Tensor]:
        return [self(image)], torch.cat([-image, image, image - 2], 1)


def _image() -> torch.Tensor:
    image = torch.full((2, 1, *SHAPE), -1.0)
    image[0, 0, 7, 9, 11] = 0.4
    image[1, 0, 15, 5, 20] = 0.8
    return image


def test_shifts_are_undone():
    image, network = _image(), Brightest()
    shifts = [[3, -2, 5], [-4, 1, -6]]
    answer = SurfaceInferer(2.0, [{"shift": shift, "contrast": 1.0} for shift in shifts])(image, network)
    assert answer["pred"].shape == (2, 2, 1, 3) and answer["varied"].shape == (2, 2, 2, 1, 3)
    for varied in answer["varied"].unbind(1):
        torch.testing.assert_close(varied[:, 0], answer["pred"][:, 0])


def test_contrast_is_scaled_above_the_lowest_and_stays_in_the_window():
    image, network = _image(), Brightest()
    answer = SurfaceInferer(2.0, [{"shift": [0, 0, 0], "contrast": factor} for factor in (0.5, 2.0)])(image, network)
    torch.testing.assert_close(answer["varied"][:, 0, 1], answer["pred"][:, 1] * 0.5)
    torch.testing.assert_close(answer["varied"][:, 1, 1], torch.full((2, 1, 3), 2.0))


def test_no_augmentations_cost_no_pass():
    answer = SurfaceInferer(2.0)(_image(), Brightest())
    assert answer["varied"].shape == (2, 0, 2, 1, 3)
    assert torch.equal(answer["faces"], torch.zeros(2, 2, 1, 3, dtype=torch.int64))
    assert answer["segmentation"].shape == (2, 1, *SHAPE) and answer["segmentation"].dtype == torch.uint8
    assert answer["segmentation"].sum() == 2 and answer["segmentation"][1, 0, 15, 5, 20] == 1
