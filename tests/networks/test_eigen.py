"""Eigenvectors by Jacobi rotations against LAPACK's."""

from __future__ import annotations

import pytest
import torch

from custom.networks.blocks.eigen import symmetric_eigen


def matrices(dtype: torch.dtype) -> torch.Tensor:
    """Symmetric (1004, 3, 3): random ones of many magnitudes, and those with equal or no eigenvalues."""
    generator = torch.Generator().manual_seed(0)
    factor = torch.randn(1000, 3, 3, generator=generator, dtype=dtype)
    factor = factor * torch.logspace(-3, 3, 1000, dtype=dtype)[:, None, None]
    flat = torch.diag(torch.tensor([1.0, 1.0, 0.0], dtype=dtype))
    special = torch.stack([torch.zeros(3, 3, dtype=dtype), torch.eye(3, dtype=dtype), flat, torch.ones_like(flat)])
    return torch.cat([factor @ factor.mT, special])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_they_are_those_of_lapack(dtype):
    given = matrices(dtype)
    values, vectors = symmetric_eigen(given)
    scale = given.flatten(1).norm(dim=1).clamp(min=1e-30)
    tolerance = 20 * torch.finfo(dtype).eps
    identity = torch.eye(3, dtype=dtype).expand_as(given)
    torch.testing.assert_close(vectors.mT @ vectors, identity, rtol=0, atol=tolerance)
    rebuilt = (vectors * values.unsqueeze(-2)) @ vectors.mT
    assert ((rebuilt - given).flatten(1).norm(dim=1) / scale).max() < tolerance
    off = values.sort(-1).values - torch.linalg.eigvalsh(given)
    assert (off.abs().amax(-1) / scale).max() < tolerance
