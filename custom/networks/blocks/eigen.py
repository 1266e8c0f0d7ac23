"""Eigenvectors of 3x3 matrices by operators that every exported form of a network knows; `eigh` has none in ONNX."""

from __future__ import annotations

import torch
from torch import Tensor


def symmetric_eigen(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues and eigenvectors by cyclic Jacobi rotations (Golub and Van Loan, Matrix Computations, section 8.5).

    Args:
        matrix: (..., 3, 3) symmetric, floating point.

    Returns:
        Eigenvalues (..., 3) in no particular order, and (..., 3, 3) with the orthonormal eigenvectors in its columns.
    """
    spins = torch.tensor(
        [
            [[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
            [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [-1.0, 0.0, 0.0]],
            [[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]],
        ],
        dtype=matrix.dtype,
        device=matrix.device,
    )
    squares = torch.matmul(spins, spins)
    identity = torch.eye(3, dtype=matrix.dtype, device=matrix.device)
    vectors = identity.expand_as(matrix)
    for _ in range(5):  # sweeps: the error of each is the square of the last one's
        for plane, (p, q) in enumerate([(0, 1), (0, 2), (1, 2)]):
            gap = matrix[..., q, q] - matrix[..., p, p]
            twice = 2.0 * matrix[..., p, q]
            # of the two angles that clear the entry (p, q) the one within 45 degrees, with which the sweeps converge
            angle = 0.5 * torch.atan2(torch.where(gap < 0, -twice, twice), gap.abs())
            sine, cosine = angle.sin()[..., None, None], angle.cos()[..., None, None]
            rotation = identity + sine * spins[plane] + (1.0 - cosine) * squares[plane]  # Rodrigues
            matrix = torch.matmul(rotation.transpose(-1, -2), torch.matmul(matrix, rotation))
            vectors = torch.matmul(vectors, rotation)
    return matrix.diagonal(dim1=-2, dim2=-1), vectors
