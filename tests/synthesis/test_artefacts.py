import numpy as np
import pytest
import torch

from custom.synthesis.artefacts import (
    blur_by_motion,
    field_of_view,
    ramp_filter,
    shift_slabs,
    shifted,
    starvation_bands,
    streaks,
)

SPACING = (1.3, 1.3, 1.3)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def ball(shape, centre, radius: float) -> torch.Tensor:
    axes = torch.meshgrid(*(torch.arange(n) - c for n, c in zip(shape, centre, strict=True)), indexing="ij")
    return sum(axis.float() ** 2 for axis in axes) < radius**2


def test_the_ramp_filter_takes_away_the_mean():
    matrix = ramp_filter(801)
    assert torch.equal(matrix, matrix.T)
    assert float(matrix[400].sum()) == pytest.approx(0.0, abs=1e-3)


def test_streaks_lie_in_the_slices_of_their_source_and_fade_with_distance():
    density = torch.zeros(64, 64, 40)
    density[30:33, 40:43, 10:20] = 3000.0
    image = streaks(density, SPACING, np.random.default_rng(0), seeded(0))
    assert image.shape == density.shape and torch.isfinite(image).all()
    assert torch.equal(image[:, :, 24:], torch.zeros_like(image[:, :, 24:]))
    distance = torch.hypot((torch.arange(64) - 31.0)[:, None], (torch.arange(64) - 41.0)[None])
    near, far = (image[:, :, 12:18][(distance > a) & (distance < b)].std() for a, b in ((4, 8), (20, 30)))
    assert near > 1.5 * far > 0
    assert torch.allclose(streaks(2 * density, SPACING, np.random.default_rng(0), seeded(0)).abs().amax(dim=(0, 1)) > 0,
                          image.abs().amax(dim=(0, 1)) > 0)  # fmt: skip


def test_beam_hardening_darkens_between_two_dense_bodies():
    density = torch.zeros(48, 48, 3200)  # the random part averages out over so many slices
    density[12:18, 21:27], density[30:36, 21:27] = 6000.0, 6000.0
    mean = streaks(density, (1.3, 1.3, 2.6), np.random.default_rng(0), seeded(0)).mean(dim=2)
    between, beside = mean[21:27, 22:26].mean(), mean[21:27, 36:40].mean()
    assert between < beside - 20


def test_motion_smears_the_walls_of_the_heart_and_nothing_far_away():
    heart = ball((64, 64, 64), (32, 32, 32), 24)
    image = torch.where(heart, 300.0, 0.0)
    image[2, 2, 2] = 1000.0
    moved = blur_by_motion(image.clone(), heart, SPACING, 5.0, np.random.default_rng(1))
    change = (moved - image).abs()
    assert change.max() > 60
    assert float(change[ball((64, 64, 64), (32, 32, 32), 15)].max()) == 0.0
    assert float(change[2, 2, 2]) == 0.0
    assert torch.equal(
        blur_by_motion(image.clone(), torch.zeros_like(heart), SPACING, 5.0, np.random.default_rng(1)), image
    )


def test_shifted_replicates_the_edge():
    row = torch.tensor([1, 2, 3, 4])
    assert shifted(row, [1]).tolist() == [1, 1, 2, 3] and shifted(row, [-2]).tolist() == [3, 4, 4, 4]


def test_slabs_move_as_a_whole():
    structures = torch.zeros(48, 48, 60, dtype=torch.uint8)
    structures[20:28, 20:28] = 7
    result = shift_slabs(structures, SPACING, 5.0, np.random.default_rng(3))
    places = [tuple((result[:, :, k] == 7).nonzero().min(dim=0).values.tolist()) for k in range(60)]
    assert (result == 7).sum(dim=(0, 1)).unique().tolist() == [64]
    steps = sum(a != b for a, b in zip(places, places[1:], strict=False))
    assert 1 <= steps <= 8
    assert max(abs(a - 20) for place in places for a in place) <= round(5.0 / 1.3)


def test_starvation_lies_high_up_in_lines_from_left_to_right():
    bands = starvation_bands((64, 64, 64), SPACING, np.random.default_rng(0), seeded(0))
    across, along = (bands[:, :, 60:].diff(dim=axis).std() for axis in (1, 0))
    assert across > 5 * along
    assert bands[:, :, -4:].std() > 3 * bands[:, :, :4].std()


def test_fields_of_view_mostly_spare_the_chambers():
    labels = torch.zeros(96, 96, 96, dtype=torch.uint8)
    labels[34:60, 30:58, 36:66] = 1
    chambers, kept, full = labels > 0, [], 0
    for seed in range(60):
        inside = field_of_view(labels, SPACING, True, seed % 2 == 0, np.random.default_rng(seed))
        kept.append(float(inside[chambers].float().mean()))
        full += bool(inside.all())
    assert full < 20
    assert 0.5 < np.mean(np.array(kept) == 1) < 1.0
    assert min(kept) > 0.2  # some cuts, none of a whole chamber
    assert field_of_view(labels, SPACING, False, False, np.random.default_rng(0)).all()
    assert field_of_view(torch.zeros_like(labels), SPACING, True, True, np.random.default_rng(0)).all()


def test_the_circle_is_one():
    labels = torch.zeros(96, 96, 8, dtype=torch.uint8)
    labels[40:56, 40:56] = 2
    inside = field_of_view(labels, SPACING, False, True, np.random.default_rng(5))
    assert torch.equal(inside, inside[:, :, :1].expand_as(inside))
    columns = inside[:, :, 0].nonzero().float()
    radius = (columns.max(dim=0).values - columns.min(dim=0).values + 1) / 2
    assert float(len(columns)) == pytest.approx(float(torch.pi * radius[0] * radius[1]), rel=0.03)
