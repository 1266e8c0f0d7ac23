import numpy as np
import torch
from monai.data import MetaTensor

from custom.data import RandEmptyd, RandWarpCropd
from custom.frames import voxel_to_ras


def coordinates(shape, affine):
    """A volume of three channels that hold each voxel's own RAS position."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1)
    return torch.tensor(voxel_to_ras(index, affine)).movedim(-1, 0).float()


def test_without_augmentation_the_crop_is_the_centre_in_place():
    affine = np.diag([1.5, 1.2, 2.0, 1.0])
    affine[:3, 3] = (-40, 10, 5)
    volume = MetaTensor(coordinates((40, 50, 30), affine), affine=torch.tensor(affine))
    crop = RandWarpCropd(["image"], ["bilinear"], [0], 16, 1.3)({"image": volume})["image"]
    expected = coordinates((16, 16, 16), crop.affine.numpy())
    torch.testing.assert_close(crop.as_tensor(), expected, rtol=0, atol=1e-3)


def test_image_and_label_stay_together_and_seeds_repeat():
    affine = np.diag([1.5, 1.5, 1.5, 1.0])
    mask = torch.zeros(1, 60, 60, 60)
    mask[:, 20:40, 25:45, 15:35] = 1
    data = {
        "image": MetaTensor(mask * 300 - 1000, affine=torch.tensor(affine)),
        "label": MetaTensor(mask, affine=torch.tensor(affine)),
    }
    ranges = {"translate": 20.0, "rotate": 20.0, "scale": 0.2, "displacement": 3.0}
    warp = RandWarpCropd(["image", "label"], ["bilinear", "nearest"], [-1000, 0], 48, 1.3, ranges)
    warp.set_random_state(3)
    first = warp(data)
    agreement = ((first["image"] > -850) == (first["label"] > 0)).float().mean()
    assert agreement > 0.999
    assert set(first["label"].unique().tolist()) == {0.0, 1.0}
    assert first["image"].min() == -1000  # beyond the volume is air
    warp.set_random_state(3)
    torch.testing.assert_close(warp(data)["image"].as_tensor(), first["image"].as_tensor())
    assert not torch.equal(warp(data)["label"].as_tensor(), first["label"].as_tensor())


def test_blank_images_have_no_label_and_come_as_often_as_asked():
    affine = torch.eye(4, dtype=torch.float64)
    record = {
        "image": MetaTensor(torch.full((1, 20, 16, 12), 55.0), affine=affine),
        "label": MetaTensor(torch.ones(1, 20, 16, 12, dtype=torch.uint8), affine=affine),
    }
    blank = RandEmptyd("image", "label", prob=0.3).set_random_state(seed=0)
    drawn = [blank(record) for _ in range(200)]
    blanks = [new for new in drawn if not new["label"].any()]
    assert 40 < len(blanks) < 80
    assert all((new["image"] == 55).all() and new["label"].all() for new in drawn if new["label"].any())
    assert len({float(new["image"].mean()) for new in blanks}) == len(blanks)
    assert all(new["image"].shape == (1, 20, 16, 12) and new["image"].dtype == torch.float32 for new in blanks)
