"""What the network of the atrium's parts is to learn: where it peaks, and that its offsets lead back to the ostia."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.atrial_parts import CUTS, Heart, example, loss_of
from custom.frames import centred_affine
from custom.networks.atrial_parts import AHEAD, OSTIA, PARTS, SIZE, SPACING, STEP, AtrialParts, Told, seen_by_parts

SIDE, VOXEL = 104, 1.5


def _heart() -> Heart:
    """A ball with three tubes, of which one is the appendage."""
    steps = (np.arange(SIDE) - (SIDE - 1) / 2) * VOXEL
    x, y, z = np.meshgrid(steps, steps, steps, indexing="ij")
    body, tube = x**2 + y**2 + z**2 < 25**2, np.hypot(y, z) < 6
    vein, ventricle = tube & ~body & (np.abs(x) < 60), np.sqrt(x**2 + y**2 + (z + 60) ** 2) < 25
    away = np.where(vein, np.abs(x) - 25, 99).astype(np.float16)
    parts = np.where(body, 1 + PARTS.index("body"), np.where(vein & (away < CUTS[1]), 1 + PARTS.index("vein"), 0))
    scans = torch.from_numpy(np.where(body | vein, 400, -50).astype(np.int16))[None]
    ostia = [(place, np.array([25.0 * sign, 0, 0]), np.array([sign, 0.0, 0.0])) for place, sign in ((0, 1), (1, -1))]
    ostia.append((OSTIA.index("appendage"), np.array([0.0, 25, 0]), np.array([0.0, 1, 0])))
    affine = centred_affine((SIDE,) * 3, (VOXEL,) * 3)
    return Heart(
        torch.from_numpy(parts.astype(np.uint8))[None], body, vein, ventricle, away, 8.0, scans, affine, np.zeros(3),
        ostia,
    )  # fmt: skip


def test_each_ostium_is_told_ahead_of_itself():
    rng, heart = np.random.default_rng(0), _heart()
    for _ in range(4):
        one = example(heart, rng)
        assert one.seen.shape == (4, *(SIZE,) * 3) and torch.isfinite(one.seen).all()
        for place, ahead in enumerate(AHEAD):
            near = one.nearness[place]
            peak = np.unravel_index(int(near.argmax()), near.shape)
            offset, outward = STEP * one.offset[:, *peak].numpy(), one.outward[:, *peak].numpy()
            assert near[peak] > 0.8 and abs(np.linalg.norm(outward) - 1) < 1e-5
            assert np.linalg.norm(offset + ahead * outward) < 0.2 * ahead + SPACING
            back = np.round(np.array(peak) + 1.2 * offset / SPACING).astype(int)
            assert one.parts[tuple(back)] == PARTS.index("body")


def test_a_perfect_answer_loses_next_to_nothing():
    one = example(_heart(), np.random.default_rng(1))
    parts = 20.0 * torch.nn.functional.one_hot(one.parts.clamp(min=0), len(PARTS)).movedim(-1, 0).float()
    nearness = torch.logit(one.nearness, eps=1e-6)
    perfect = Told(*(each[None] for each in (parts, nearness, one.outward, one.offset)))
    assert loss_of(perfect, one) < 1e-3
    with torch.no_grad():
        assert loss_of(AtrialParts()(one.seen[None]), one) > 0.5


def test_what_is_seen_does_not_depend_on_the_dose_of_contrast_but_where_it_is_told():
    shapes = torch.zeros(2, 8, 8, 8)
    shapes[0, 2:6, 2:6, 2:6] = 1
    hounsfield = torch.full((8, 8, 8), -50.0)
    hounsfield[shapes[0] > 0] = 250.0
    seen, brighter = seen_by_parts(shapes, hounsfield), seen_by_parts(shapes, hounsfield + 100)
    torch.testing.assert_close(seen[2], brighter[2])
    assert (brighter[3] > seen[3]).all()
    assert not seen_by_parts(shapes, None)[2:].any()
