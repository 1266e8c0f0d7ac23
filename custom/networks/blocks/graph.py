"""Graph convolutions on a fixed symmetric operator, state-dict compatible with torch-geometric's.

Vertices of all meshes of a batch share one operator. Propagation is one embedding bag over padded rows; because the
operator is symmetric, its backward pass is the same bag again, where autograd would scatter.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...template import GraphOperator


def _weighted_neighbours(x: Tensor, operator: GraphOperator) -> Tensor:
    if not torch.jit.is_scripting():
        if torch.compiler.is_exporting():  # ONNX has no embedding bag: its exporter would loop over the bags
            around = x.index_select(1, operator.neighbours.flatten()).unflatten(1, operator.neighbours.shape)
            return (around * operator.weights.to(x.dtype).unsqueeze(-1)).sum(2)
    n, v, c = x.shape
    first = torch.arange(n, device=x.device).mul(v).view(n, 1, 1)
    rows = (operator.neighbours.unsqueeze(0) + first).view(n * v, -1)
    weights = operator.weights.to(x.dtype).unsqueeze(0).expand(n, -1, -1).reshape(n * v, -1)
    return F.embedding_bag(rows, x.reshape(n * v, c), mode="sum", per_sample_weights=weights).view(n, v, c)


class _SymmetricPropagation(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, neighbours: Tensor, weights: Tensor) -> Tensor:
        ctx.operator = GraphOperator(neighbours, weights)
        return _weighted_neighbours(x, ctx.operator)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        return _weighted_neighbours(gradient, ctx.operator), None, None


def propagate(x: Tensor, operator: GraphOperator) -> Tensor:
    """Multiplies vertex features by the operator.

    Args:
        x: (N, V, C) floating point features of N meshes.
        operator: symmetric (V, V) operator from :mod:`custom.template`.

    Returns:
        (N, V, C), differentiable in ``x``.
    """
    if torch.jit.is_scripting() or not x.requires_grad:
        return _weighted_neighbours(x, operator)
    else:
        return _SymmetricPropagation.apply(x, operator.neighbours, operator.weights)


class ChebConv(nn.Module):
    """Chebyshev convolution of order K = 2: ``x W0 + (T x) W1 + b`` with the scaled Laplacian T.

    Parameters bear torch-geometric's names (``lins.0.weight``, ``lins.1.weight``, ``bias``), so state dicts exchange.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.lins = nn.ModuleList([nn.Linear(in_channels, out_channels, bias=False) for _ in range(2)])
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.propagate_first = in_channels < out_channels  # T commutes with W1: spread whichever is narrower
        for linear in self.lins:
            nn.init.xavier_uniform_(linear.weight)

    def forward(self, x: Tensor, operator: GraphOperator) -> Tensor:
        """(N, V, in_channels) to (N, V, out_channels); ``operator`` from :func:`custom.template.chebyshev_operator`."""
        w0, w1 = self.lins[0].weight, self.lins[1].weight
        if self.propagate_first:
            return F.linear(torch.cat([x, propagate(x, operator)], dim=-1), torch.cat([w0, w1], dim=1), self.bias)
        own, spread = F.linear(x, torch.cat([w0, w1])).chunk(2, dim=-1)
        return own + propagate(spread, operator) + self.bias


class GCNConv(nn.Module):
    """Graph convolution ``A~ x W + b`` (Kipf and Welling), parameters named as torch-geometric's."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.lin = nn.Linear(in_channels, out_channels, bias=False)
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.propagate_first = in_channels < out_channels
        nn.init.xavier_uniform_(self.lin.weight)

    def forward(self, x: Tensor, operator: GraphOperator) -> Tensor:
        """(N, V, in_channels) to (N, V, out_channels); ``operator`` from :func:`custom.template.gcn_operator`."""
        if self.propagate_first:
            return F.linear(propagate(x, operator), self.lin.weight, self.bias)
        return propagate(F.linear(x, self.lin.weight), operator) + self.bias
