"""Sums by what lies near, or by a grid, are the sums over all pairs, and so are their gradients."""

from __future__ import annotations

import pytest
import torch

from custom.networks.blocks import kernel_sums as module
from custom.networks.blocks import near_sums
from custom.networks.blocks.gauss_transform import Grid
from custom.networks.blocks.kernel_sums import all_sums, kernel_sums
from custom.networks.blocks.near_sums import COLUMNS, ROWS, patches_of
from custom.template import icosphere

FINE, COARSE = icosphere(3)[0].float(), icosphere(2)[0].float()


def surfaces(structures: int, sphere: torch.Tensor) -> torch.Tensor:
    """(2, S * V, 3): two cases of ellipsoids here and there, one of them crumpled."""
    generator = torch.Generator().manual_seed(structures)
    centres = 1.2 * torch.rand(2, structures, 1, 3, generator=generator) - 0.6
    radii = 0.15 + 0.25 * torch.rand(2, structures, 1, 3, generator=generator)
    found = centres + radii * sphere
    found[1, 0] += 0.05 * torch.randn(sphere.shape, generator=generator)
    return found.flatten(1, 2)


def by_definition(x, y, values, width):
    squared = (x.double().unsqueeze(2) - y.double().unsqueeze(1)).square().sum(-1)
    return (-0.5 * squared / width**2).exp() @ values.double()


@pytest.mark.parametrize("count", [12, 16, 162, 642, 2562])
def test_patches_hold_every_vertex_once_and_lie_close(count):
    sphere = torch.cat([icosphere(4)[0], torch.zeros(0, 3)])[:count]
    found = patches_of(sphere)
    assert found.rows.shape[1] == ROWS and found.columns.shape[1] == COLUMNS
    assert found.rows.unique().tolist() == list(range(count))
    kept = found.columns[found.present.squeeze(-1).bool()]
    assert kept.sort().values.tolist() == list(range(count))
    if count == 2562:
        boxes = sphere[found.columns]
        assert (boxes.amax(1) - boxes.amin(1)).norm(dim=1).max() < 0.6


@pytest.mark.parametrize("structures", [1, 2, 5])
@pytest.mark.parametrize(("width", "tolerance"), [(0.3, 3e-6), (0.07, 5e-6), (0.02, 5e-5)])
def test_sums_and_gradients_are_those_of_all_pairs(structures, width, tolerance):
    """The narrower the kernel against a patch, the less exact is its exponent."""
    x, y = surfaces(structures, FINE), surfaces(structures, COARSE)
    values = torch.randn(*y.shape[:2], 4, generator=torch.Generator().manual_seed(0))
    exact = by_definition(x, y, values, width)
    arguments = width, patches_of(FINE), patches_of(COARSE)
    values.requires_grad_()
    sums = kernel_sums(x, y, values, *arguments)
    largest = by_definition(x, y, torch.ones_like(values), width).abs().max()
    torch.testing.assert_close(sums.double(), exact, rtol=0, atol=tolerance * float(largest))
    wanted = torch.randn(sums.shape, generator=torch.Generator().manual_seed(1))
    (sums * wanted).sum().backward()
    expected = by_definition(y, x, wanted, width)
    largest = by_definition(y, x, torch.ones_like(wanted), width).abs().max()
    torch.testing.assert_close(values.grad.double(), expected, rtol=0, atol=tolerance * float(largest))


@pytest.mark.parametrize("pairs_a_point", [-1e9, 1e9])
def test_near_ones_and_a_grid_give_the_same_at_every_width(monkeypatch, pairs_a_point):
    monkeypatch.setattr(module, "PAIRS_A_POINT", pairs_a_point)
    x, y = surfaces(3, FINE), surfaces(3, COARSE)
    values = torch.rand(*y.shape[:2], 4, generator=torch.Generator().manual_seed(0))
    for width in (0.3, 0.1, 0.05):
        found = kernel_sums(x, y, values, width, patches_of(FINE), patches_of(COARSE))
        expected = all_sums(x, y, values, width)
        torch.testing.assert_close(found, expected, rtol=0, atol=5e-6 * float(expected.max()))


@pytest.mark.parametrize("points", [1, 2, 300])
def test_a_grid_takes_points_anywhere(points):
    generator = torch.Generator().manual_seed(points)
    x = torch.randn(points, 3, generator=generator) + 40.0
    y = torch.cat([x[:1], x[:1] - 1.0, x[:1] + 2.5])  # on, below and above what there is of x
    values = torch.rand(3, 2, generator=generator)
    found = Grid(x, y, 0.4).sums(values)
    expected = by_definition(x[None], y[None], values[None], 0.4)[0]
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-4)  # of coordinates rounded at 40


@pytest.mark.parametrize("distance", [50.0, 1e30, float("nan")])
def test_a_grid_that_would_be_too_large_is_not_made(monkeypatch, distance):
    monkeypatch.setattr(module, "PAIRS_A_POINT", -1e9)
    monkeypatch.setattr(Grid, "__init__", None)
    x, y = surfaces(1, FINE), surfaces(1, COARSE) + distance
    kernel_sums(x, y, torch.ones(*y.shape[:2], 4), 0.1, patches_of(FINE), patches_of(COARSE))


def test_what_is_near_nothing_gets_nothing():
    x, y = surfaces(1, FINE), surfaces(1, COARSE) + 50.0
    values = torch.ones(*y.shape[:2], 4)
    assert kernel_sums(x, y, values, 0.1, patches_of(FINE), patches_of(COARSE)).count_nonzero() == 0


def test_the_work_follows_what_is_near(monkeypatch):
    """Of structures in a long row each adds the same work."""
    monkeypatch.setattr(module, "PAIRS_A_POINT", 1e9)
    worked = []
    exponential = near_sums.exponential
    monkeypatch.setattr(near_sums, "exponential", lambda x: worked.append(x.numel()) or exponential(x))
    work = []
    for structures in (2, 4, 8):
        worked.clear()
        shifts = 0.5 * torch.arange(structures).view(-1, 1, 1) * torch.tensor([1.0, 0.0, 0.0])
        x, y = ((0.2 * sphere + shifts).flatten(0, 1)[None] for sphere in (FINE, COARSE))
        kernel_sums(x, y, torch.ones(1, y.shape[1], 4), 0.03, patches_of(FINE), patches_of(COARSE))
        work.append(sum(worked))
    assert work[1] < 2.2 * work[0] and work[2] < 2.2 * work[1]
